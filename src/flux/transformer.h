#pragma once
// The FLUX.1 transformer: from noisy packed latents to the velocity (noise - image).

#include <ATen/core/Tensor.h>

#include <functional>
#include <string>
#include <vector>

#include "flux/config.h"
#include "flux/double_block.h"
#include "flux/embeddings.h"
#include "flux/single_block.h"

namespace iclora::flux {

struct Transformer {
  Config config;
  nn::Linear x_embedder;
  nn::Linear context_embedder;
  ConditionEmbedder time_text_embed;
  std::vector<DoubleBlock> transformer_blocks;
  std::vector<SingleBlock> single_transformer_blocks;
  nn::Linear norm_out;  ///< `norm_out.linear`: scale, then shift
  nn::Linear proj_out;
};

Transformer load_transformer(nn::WeightSource& source, const Config& config, at::ScalarType dtype);

/// Calls `visit` for every linear layer: those that an adapter may attach to.
void for_each_linear(Transformer& transformer, const std::function<void(nn::Linear&)>& visit);

/// What given tokens that see only each other show to all others: each block's keys and values.
struct GivenKeys {
  std::vector<KeyValues> doubles, singles;
};

/// What does not change from step to step.
struct Context {
  at::Tensor text;               ///< T5 states [B, Lt, joint_attention_dim]
  at::Tensor pooled;             ///< CLIP's pooled vector [B, pooled_projection_dim]
  nn::RopeTable rope;            ///< over text, then image
  AttentionPlan attention = {};  ///< who sees whom; empty: everyone sees everyone
  /// Where panels are sequences of their own (panel_sequences.h): how many image tokens each has.
  /// The text is then their captions in order, of equal lengths, and pooled [B, N, ...].
  std::vector<int64_t> panel_tokens = {};
  /// Keys behind the sequence, which the plan's ranges may name and everyone sees without a plan;
  /// empty: none. Forward alone.
  GivenKeys given_keys = {};
};

inline constexpr double kRopeTheta = 10000.0;

/// The rope table of a canvas of h x w latent pixels under `text_length` text tokens.
nn::RopeTable canvas_rope(const Config& config, int64_t text_length, int64_t h, int64_t w);

/// One batch of what the transformer is asked.
struct Query {
  at::Tensor latents;   ///< packed [B, Li, in_channels]
  at::Tensor timestep;  ///< fp32 [B], sigma in 0..1
  at::Tensor guidance;  ///< fp32 [B], as the user states it
  /// bool [B, Li]: tokens that are given, clean, and so live at timestep 0; undefined where all
  /// live at `timestep`.
  at::Tensor given;
};

/// -> velocity [B, Li, in_channels] in the weights' dtype.
at::Tensor transformer_forward(const Transformer& transformer, const Query& query,
                               const Context& context);

/// The keys and values of given tokens that see only each other, clean and at timestep 0: the same
/// at every step. latents: theirs alone, packed [B, Lg, in_channels]; guidance: as in a query;
/// context: `pooled`, `rope` and `panel_tokens` of them alone, the rest is not read.
GivenKeys given_keys_forward(const Transformer& transformer, const at::Tensor& latents,
                             const at::Tensor& guidance, const Context& context);

/// What transformer_backward needs of the forward pass.
struct TransformerSaved {
  /// With activation checkpointing only the blocks' inputs are kept, and each block's forward runs
  /// again on the way back: the same bytes for less memory.
  bool checkpointing = false;
  /// Where whoever trains looks at the image tokens on their way: behind so many single blocks (0:
  /// behind the double blocks), ascending. The forward pass leaves them in `tapped`, [B, Li, D];
  /// the way back adds `tap_gradients`, of the same number and shapes, or none.
  std::vector<size_t> taps;
  std::vector<at::Tensor> tapped, tap_gradients;

  ConditionSaved embedder, given_embedder;
  at::Tensor embedded, given_embedded;  ///< conditioning vectors before the SiLU, [B, D]
  Condition condition;
  nn::LinearSaved x_embedder, context_embedder;
  std::vector<Streams> double_inputs;     ///< with checkpointing
  std::vector<at::Tensor> single_inputs;  ///< with checkpointing
  std::vector<DoubleBlockSaved> doubles;  ///< without
  std::vector<SingleBlockSaved> singles;  ///< without
  ModulationSaved norm_out;
  at::Tensor norm_out_scale;
  nn::LayerNormSaved last_norm;
  nn::LinearSaved proj_out;
};

/// As transformer_forward, keeping what the way back needs; `saved.checkpointing` and `saved.taps`
/// are read.
at::Tensor transformer_training_forward(const Transformer& transformer, const Query& query,
                                        const Context& context, TransformerSaved& saved);

/// dvelocity: [B, Li, in_channels]. Adds the gradients of all that is trained. Releases `saved`
/// block by block.
void transformer_backward(const Transformer& transformer, TransformerSaved& saved,
                          const Context& context, const at::Tensor& dvelocity,
                          nn::Gradients& gradients);

/// Calls `visit` for every weight of the transformer: its name in the checkpoint, the tensor, and
/// the place of its gradient.
void for_each_weight(
    Transformer& transformer,
    const std::function<void(const std::string& name, at::Tensor& weight, nn::Slot& slot)>& visit);

}  // namespace iclora::flux
