#pragma once
// The transformer's training: flow matching on drawings and canvases with captions, all weights,
// and heads that read from the image tokens on their way what is being drawn. Samples that are
// `distilled` learn what classifier-free guidance makes of the trained model's velocities, so that
// one pass with the guidance embedded draws as well as two without: FLUX.1-dev's kind of guidance
// (after Meng et al., arXiv:2210.03142).

#include <filesystem>

#include "core/progress.h"
#include "flux/transformer.h"
#include "pretrain/samples.h"
#include "pretrain/text_stage.h"
#include "vae/autoencoder.h"

namespace iclora::pretrain {

/// What the transformer is trained with; none of it changes.
struct TransformerParts {
  const TextEncoders& texts;
  const vae::Encoder& encoder;
  std::string encoder_sha256;
  const tokenizers::T5Tokenizer& t5;
  const tokenizers::ClipTokenizer& clip;
  std::filesystem::path latents;  ///< folder for the packs' latents
};

/// Modulations and the output layer become zero: every block begins as the identity.
void zero_modulations(flux::Transformer& transformer);

/// Trains to the end of the recipe, or goes on to it; then the averages are in the layers. Names of
/// the heads' tensors begin with "head:".
void train_transformer(flux::Transformer& transformer, const TransformerParts& parts,
                       const StageRecipe& recipe, uint64_t seed,
                       const std::filesystem::path& folder, const SaveFunction& save,
                       Progress& progress);

/// The same from a trained transformer on, as its own pupil: `distilled` samples learn what its
/// two passes of classifier-free guidance give. The teacher is what `transformer` holds at first
/// and does not change: a teacher that learns from itself runs away. Errors (exit 2): a model
/// without guidance embedding; a `folder` that was begun with another teacher.
void train_guidance(flux::Transformer& transformer, const TransformerParts& parts,
                    const StageRecipe& recipe, uint64_t seed, const std::filesystem::path& folder,
                    const SaveFunction& save, Progress& progress);

}  // namespace iclora::pretrain
