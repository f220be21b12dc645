#pragma once
// The conditioning vector: timestep, guidance and the pooled text, each through a small MLP, added.

#include <ATen/core/Tensor.h>

#include <string>

#include "flux/config.h"
#include "nn/linear.h"

namespace iclora::flux {

/// Sinusoid of 256 elements, cosines first: cos(1000 t f_j), sin(1000 t f_j) with
/// f_j = 10000^(-j/128), j = 0..127. t: fp32 [B] -> fp32 [B, 256].
at::Tensor timestep_sinusoid(const at::Tensor& t);

/// linear_2(silu(linear_1(x))).
struct EmbedderMlp {
  nn::Linear linear_1;
  nn::Linear linear_2;
};
struct EmbedderSaved {
  nn::LinearSaved linear_1;
  at::Tensor hidden;  ///< before the SiLU [B, D]
  nn::LinearSaved linear_2;
};
at::Tensor embedder_forward(const EmbedderMlp& mlp, const at::Tensor& x,
                            EmbedderSaved* saved = nullptr);
void embedder_backward(const EmbedderMlp& mlp, const EmbedderSaved& saved, const at::Tensor& dy,
                       nn::Gradients& gradients);

/// `time_text_embed` of the checkpoint.
struct ConditionEmbedder {
  EmbedderMlp timestep_embedder;
  EmbedderMlp guidance_embedder;  ///< empty where the model has no guidance embedding
  EmbedderMlp text_embedder;
  bool guidance_embeds = false;
};
ConditionEmbedder load_condition_embedder(nn::WeightSource& source, const Config& config,
                                          at::ScalarType dtype);

struct ConditionSaved {
  EmbedderSaved timestep, guidance, text;
};
/// timestep: fp32 [B], sigma in 0..1; guidance: fp32 [B], ignored without guidance embedding;
/// pooled: [B, pooled_projection_dim] -> [B, D] in the weights' dtype. Timestep and guidance enter
/// the sinusoid unrounded whatever that dtype is.
at::Tensor condition_forward(const ConditionEmbedder& embedder, const at::Tensor& timestep,
                             const at::Tensor& guidance, const at::Tensor& pooled,
                             ConditionSaved* saved = nullptr);
/// dy: [B, D]. Nothing lies below that could be trained with the transformer.
void condition_backward(const ConditionEmbedder& embedder, const ConditionSaved& saved,
                        const at::Tensor& dy, nn::Gradients& gradients);

}  // namespace iclora::flux
