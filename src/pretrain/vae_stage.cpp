#include "pretrain/vae_stage.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <cmath>

#include "core/error.h"
#include "pretrain/graph.h"
#include "pretrain/stage.h"
#include "runtime/file_weights.h"
#include "vae/weights.h"

namespace iclora::pretrain {
namespace {

using Purpose = StepDraws::Purpose;

constexpr double kGradients = 0.5;     // of the error of the differences between neighbours
constexpr double kUnitLatents = 0.02;  // of the pull towards mean 0 and deviation 1

const ForEachWeight<Autoencoder> kWeights = [](Autoencoder& autoencoder, const auto& visit) {
  vae::for_each_weight(autoencoder.encoder, visit);
  vae::for_each_weight(autoencoder.decoder, visit);
};

at::Tensor gradient_error(const at::Tensor& error, int64_t axis) {
  const int64_t size = error.size(axis);
  return (error.narrow(axis, 1, size - 1) - error.narrow(axis, 0, size - 1)).abs().mean();
}

/// The posterior is a point with a little fixed noise: what the decoder was trained with.
void fix_variance(Autoencoder& autoencoder, double noise) {
  const vae::Config& config = autoencoder.encoder.config;
  const int64_t channels = config.latent_channels;
  const double deviation = std::max(noise, 1e-6) / config.scaling_factor;
  vae::Conv& out = autoencoder.encoder.conv_out;
  out.weight = out.weight.clone();
  out.bias = out.bias.clone();
  out.weight.narrow(0, channels, channels).zero_();
  out.bias.narrow(0, channels, channels).fill_(2 * std::log(deviation));
}

/// A step's crops: fp32 [B, 3, H, W] in -1..1.
at::Tensor draw_pixels(const Packs& packs, const Phase& phase, const StepDraws& draws) {
  const Shard& shard = packs.draw_shard(phase, draws);
  std::vector<at::Tensor> crops;
  for (int64_t i = 0; i < phase.batch; ++i) {
    const at::Tensor canvas = shard.canvas(draws.below(shard.size(), Purpose::drawing, i));
    const auto narrowed = [&](const at::Tensor& x, int64_t axis) {
      if (phase.crop == 0 || x.size(axis) <= phase.crop) return x;
      const int64_t places = x.size(axis) - phase.crop + 1;
      return x.narrow(axis, draws.below(places, Purpose::crop, 2 * i + axis), phase.crop);
    };
    crops.push_back(narrowed(narrowed(canvas, 0), 1));
  }
  return to_pixels(at::stack(crops)).contiguous();
}

at::Tensor held_out_pixels(const Pack& pack, int64_t most) {
  std::vector<at::Tensor> pixels;
  for (const Shard& shard : pack.shards) {
    const int64_t count = std::min(most, shard.size());
    if (count > 0) pixels.push_back(to_pixels(shard.images.narrow(0, 0, count).flatten(0, 1)));
    most -= count;
  }
  return at::cat(pixels).contiguous();
}

}  // namespace

Autoencoder load_autoencoder(const std::filesystem::path& folder, const vae::Config& config,
                             at::ScalarType dtype) {
  runtime::FileWeights source(weights::Checkpoint::open(folder));
  return {vae::load_encoder(source, config, dtype), vae::load_decoder(source, config, dtype)};
}

at::Tensor autoencoder_loss(const Autoencoder& autoencoder, const at::Tensor& pixels,
                            const at::Tensor& noise, const AutoencoderLesson& lesson) {
  const vae::Config& config = autoencoder.encoder.config;
  at::Tensor latents;
  {
    // Without a graph no gradient reaches the encoder, and none of its weights moves.
    const c10::AutoGradMode record(!lesson.decoder_only && c10::GradMode::is_enabled());
    latents = vae::to_transformer_scale(config, vae::encode(autoencoder.encoder, pixels).mean);
  }
  const auto [variance, mean] = at::var_mean(latents, at::IntArrayRef{0, 2, 3}, /*correction=*/0);
  const at::Tensor pull = (mean.square() + at::log(variance + 1e-6).square()).mean();
  const at::Tensor decoded =
      vae::decode(autoencoder.decoder, vae::from_transformer_scale(config, latents + noise));
  const at::Tensor error = decoded - pixels;
  return error.abs().mean() + lesson.squares * error.square().mean() +
         kGradients * (gradient_error(error, 2) + gradient_error(error, 3)) + kUnitLatents * pull;
}

double round_trip_psnr(const Autoencoder& autoencoder, const at::Tensor& pixels) {
  double sum = 0;
  for (const at::Tensor& part : pixels.split(64)) {
    const at::Tensor decoded =
        vae::decode(autoencoder.decoder, vae::encode(autoencoder.encoder, part).mean);
    // Whole colours of 0..255, as they are written.
    const auto colours = [](const at::Tensor& x) {
      return ((x.clamp(-1, 1) + 1) * 127.5).round().to(at::kDouble);
    };
    sum += (colours(decoded) - colours(part)).square().sum().item<double>();
  }
  const double mean = sum / static_cast<double>(pixels.numel());
  return 10 * std::log10(255.0 * 255.0 / std::max(mean, 1e-9));
}

void begin_autoencoder(Autoencoder& autoencoder) {
  const auto zero = [](const std::string&, at::Tensor& weight) { weight = at::zeros_like(weight); };
  vae::for_each_residual_end(autoencoder.encoder, zero);
  vae::for_each_residual_end(autoencoder.decoder, zero);
}

void train_autoencoder(
    Autoencoder& autoencoder, const StageRecipe& recipe, uint64_t seed,
    const std::filesystem::path& folder,
    const std::function<void(const train::TrainedTensors&, const std::vector<at::Tensor>&)>& save,
    Progress& progress) {
  if (!recipe.decoder_only) fix_variance(autoencoder, recipe.latent_noise);
  const auto dtype = autoencoder.encoder.conv_in.weight.scalar_type();
  const train::TrainedTensors trained = train_all(autoencoder, kWeights, dtype);
  Stage stage("autoencoder", folder, recipe, trained, progress);
  if (stage.finished()) {
    train::put_into_layers(trained, stage.result());
    return;
  }
  const Packs packs(recipe, nullptr, nullptr);
  const at::Tensor held_out = held_out_pixels(packs.held_out(), 512);
  const auto step = [&](int64_t number, nn::Gradients& gradients) {
    const Phase& phase = recipe.phase(number);
    const StepDraws draws(seed, 0, number);
    const at::Tensor pixels = draw_pixels(packs, phase, draws);
    const int64_t factor = autoencoder.encoder.config.downscale();
    const Random random(seed, Stream::augmentation, static_cast<uint64_t>(number));
    at::Tensor noise = at::empty({pixels.size(0), autoencoder.encoder.config.latent_channels,
                                  pixels.size(2) / factor, pixels.size(3) / factor},
                                 at::kFloat);
    random.fill_normal({noise.data_ptr<float>(), static_cast<size_t>(noise.numel())});
    noise.mul_(recipe.latent_noise);
    const int64_t shards = std::min(recipe.shards, pixels.size(0));
    const auto part = [&](const at::Tensor& x, int64_t shard) {
      return x.slice(0, shard * x.size(0) / shards, (shard + 1) * x.size(0) / shards);
    };
    const std::function<at::Tensor(const Autoencoder&, int64_t)> loss = [&](const Autoencoder& copy,
                                                                            int64_t shard) {
      const at::Tensor mine = part(pixels, shard);
      const double share = static_cast<double>(mine.size(0)) / static_cast<double>(pixels.size(0));
      return autoencoder_loss(copy, mine, part(noise, shard),
                              {phase.squares, recipe.decoder_only}) *
             share;
    };
    return graph_step(autoencoder, kWeights, shards, loss, gradients);
  };
  const auto measure = [&]() -> Json {
    return {{"psnr", std::round(round_trip_psnr(autoencoder, held_out) * 100) / 100}};
  };
  stage.run(recipe.steps(), step, measure, [&] { save(trained, stage.result()); });
  train::put_into_layers(trained, stage.result());
}

}  // namespace iclora::pretrain
