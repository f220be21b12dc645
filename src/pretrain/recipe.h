#pragma once
// The recipe of a pre-training from nothing: what is trained on what, for how long. One YAML file;
// paths in it are meant from where the file lies.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/json.h"

namespace iclora::pretrain {

/// A pack of drawings and how often it is drawn from, in proportion to the others of its phase.
struct Source {
  std::filesystem::path pack;
  double weight = 1;
};

/// A stretch of optimizer steps with one setting of everything.
struct Phase {
  int64_t steps = 0;
  std::vector<Source> data;
  int64_t batch = 32;  ///< panels a step; canvases of n panels count n
  int64_t crop = 0;    ///< VAE: edge of the random crops in pixels, a multiple of 8; 0: whole
  double squares = 2;  ///< VAE: weight of the squared error beside the absolute one's
  int64_t warmup = 0;  ///< steps from 0 to `learning_rate`
  double learning_rate = 1e-3;      ///< at the phase's beginning
  double end_learning_rate = 1e-3;  ///< at its end, linearly
  double head_weight = 0;           ///< transformer: of the auxiliary heads' loss
  double caption_dropout = 0;       ///< transformer: share of samples without their caption
  double full_text = 0;      ///< share of steps whose text is padded to the model's whole length
  double distilled = 0;      ///< guidance: share of samples that learn a guided velocity
  double most_guidance = 5;  ///< guidance: theirs is drawn from 1 to this
};

struct StageRecipe {
  std::vector<Phase> phases;
  std::filesystem::path held_out;  ///< a pack that the stage is measured on
  int64_t shards = 4;              ///< pieces of a batch; the results depend on it, not on threads
  int64_t save_every = 1000;       ///< steps
  int64_t keep = 2;                ///< checkpoints
  double beta2 = 0.99;
  double weight_decay = 0;
  double clip = 1;
  double ema = 0.999;
  double latent_noise = 0;  ///< VAE: deviation of the noise on latents of unit deviation
  /// VAE: the encoder stays, so that latents and what was trained on them stay valid.
  bool decoder_only = false;
  /// Transformer, guidance: Muon for the blocks' matrices (not the modulations'), AdamW for the
  /// rest.
  bool muon = false;

  int64_t steps() const;
  /// The phase of a step from 0, and the learning rate there.
  const Phase& phase(int64_t step) const;
  double learning_rate(int64_t step) const;
};

struct Recipe {
  std::filesystem::path init;  ///< sizes, as `iclora init` reads them
  /// A model folder whose weights the stages begin with, in place of random ones of `init`.
  std::optional<std::filesystem::path> from;
  std::string name;  ///< of the model
  uint64_t seed = 1;
  StageRecipe vae, text, transformer;
  std::optional<StageRecipe> guidance;  ///< none: the model stays as the data made it
};

/// `packs`: where the packs lie, in place of what the file says. Errors (exit 2) name the file and
/// the key; unknown keys are errors.
Recipe read_recipe(const std::filesystem::path& path,
                   const std::optional<std::filesystem::path>& packs);

}  // namespace iclora::pretrain
