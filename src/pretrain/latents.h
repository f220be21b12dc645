#pragma once
// The packs' drawings as latents, computed once and kept beside the model.

#include <filesystem>

#include "core/progress.h"
#include "pretrain/pack.h"
#include "vae/autoencoder.h"

namespace iclora::pretrain {

/// Latents of each drawing of a shard in the transformer's scale: bf16 [N, C, h, w], a canvas
/// encoded whole. They lie in `folder` under the shard's name, and are computed again when the
/// drawings or the encoder (`encoder_sha256`) are others than then.
at::Tensor shard_latents(const Pack& pack, const Shard& shard, const vae::Encoder& encoder,
                         const std::string& encoder_sha256, const std::filesystem::path& folder,
                         Progress& progress);

}  // namespace iclora::pretrain
