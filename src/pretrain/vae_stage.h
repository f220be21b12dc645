#pragma once
// The autoencoder's training: drawings and crops of canvases, there and back.

#include <filesystem>

#include "core/progress.h"
#include "pretrain/draw.h"
#include "pretrain/recipe.h"
#include "train/trained_tensors.h"
#include "vae/autoencoder.h"

namespace iclora::pretrain {

struct Autoencoder {
  vae::Encoder encoder;
  vae::Decoder decoder;
};

Autoencoder load_autoencoder(const std::filesystem::path& folder, const vae::Config& config,
                             at::ScalarType dtype);

struct AutoencoderLesson {
  double squares = 2;         ///< weight of the squared error
  bool decoder_only = false;  ///< the encoder is left as it is
};

/// Of pixels fp32 [B, 3, H, W]: mean |e| + `squares` mean e^2 + half the mean |e| of both
/// gradients, e the error of the decoded picture, and a pull that keeps each latent channel of mean
/// 0 and deviation 1 in the transformer's scale. `noise`: of the latents' shape, added before
/// decoding.
at::Tensor autoencoder_loss(const Autoencoder& autoencoder, const at::Tensor& pixels,
                            const at::Tensor& noise, const AutoencoderLesson& lesson);

/// Peak signal to noise ratio in dB of the round trip of pixels in -1..1, over all of them
/// together.
double round_trip_psnr(const Autoencoder& autoencoder, const at::Tensor& pixels);

/// What a training from nothing begins with: residual branches that add nothing.
void begin_autoencoder(Autoencoder& autoencoder);

/// Trains to the end of the recipe, or goes on to it; then the averages are in the autoencoder's
/// layers. `save` is called with them in the layers after each checkpoint.
void train_autoencoder(
    Autoencoder& autoencoder, const StageRecipe& recipe, uint64_t seed,
    const std::filesystem::path& folder,
    const std::function<void(const train::TrainedTensors&, const std::vector<at::Tensor>&)>& save,
    Progress& progress);

}  // namespace iclora::pretrain
