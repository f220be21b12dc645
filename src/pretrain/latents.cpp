#include "pretrain/latents.h"

#include <ATen/ATen.h>

#include <memory>

#include "core/error.h"
#include "core/file.h"
#include "core/hash.h"
#include "weights/safetensors_writer.h"

namespace iclora::pretrain {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kPixelsAtOnce = 64 * 64 * 64;

/// The stored latents, where they are those that are asked for.
at::Tensor stored(const fs::path& path, const std::string& key, const std::vector<int64_t>& shape) {
  if (!fs::exists(path)) return {};
  const auto file = weights::SafetensorsFile::open(path);
  const auto found = file->metadata().find("key");
  if (found == file->metadata().end() || found->second != key) return {};
  const weights::TensorEntry& entry = file->entries().front();
  if (entry.shape != shape || entry.dtype != weights::Dtype::bf16) return {};
  auto* data = const_cast<std::byte*>(file->bytes(entry).data());  // NOLINT: nothing writes here
  return at::from_blob(
      data, shape, [file](void*) {}, at::TensorOptions().dtype(at::kBFloat16));
}

}  // namespace

at::Tensor shard_latents(const Pack& pack, const Shard& shard, const vae::Encoder& encoder,
                         const std::string& encoder_sha256, const fs::path& folder,
                         Progress& progress) {
  const vae::Config& config = encoder.config;
  const int64_t factor = config.downscale();
  const std::vector<int64_t> shape = {shard.size(), config.latent_channels,
                                      shard.grid.rows * shard.images.size(2) / factor,
                                      shard.grid.columns * shard.images.size(3) / factor};
  const fs::path name =
      pack.path.filename().native() + "-" + shard.file->path().filename().native();
  const auto time = fs::last_write_time(shard.file->path()).time_since_epoch().count();
  const std::string key =
      sha256(fmt::format("{} {} {}", encoder_sha256, shard.file->file().bytes().size(), time));
  create_folders(folder);
  if (at::Tensor latents = stored(folder / name, key, shape); latents.defined()) {
    return latents;
  }
  weights::SafetensorsWriter writer(folder / name, {{"latents", weights::Dtype::bf16, shape}},
                                    {{"key", key}});
  const int64_t canvas = shard.panels() * shard.images.size(2) * shard.images.size(3);
  const int64_t at_once = std::max<int64_t>(1, kPixelsAtOnce / canvas);
  for (int64_t first = 0; first < shard.size(); first += at_once) {
    check_cancelled(progress);
    std::vector<at::Tensor> canvases;
    for (int64_t i = first; i < std::min(first + at_once, shard.size()); ++i) {
      canvases.push_back(shard.canvas(i));
    }
    const at::Tensor latents =
        vae::to_transformer_scale(
            config, vae::encode(encoder, to_pixels(at::stack(canvases)).contiguous()).mean)
            .to(at::kBFloat16)
            .contiguous();
    writer.append({static_cast<const std::byte*>(latents.const_data_ptr()), latents.nbytes()});
    progress.report({.phase = "encoding drawings",
                     .step = first + latents.size(0),
                     .total = shard.size(),
                     .loss = {}});
  }
  writer.commit();
  return stored(folder / name, key, shape);
}

}  // namespace iclora::pretrain
