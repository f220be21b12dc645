#pragma once
// Pictures and captions into what the transformer is trained on, through the cache. The encoders
// are in memory only while something is missing from it.

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "core/progress.h"
#include "image/image.h"
#include "sampling/model.h"
#include "train/encoding_cache.h"

namespace iclora::train {

/// Something to encode: how it is told apart, and how its pixels are had when they are needed.
struct PictureToEncode {
  std::string content;  ///< hash of what the pixels depend on
  std::function<image::Image()> pixels;
};

/// Latents of each picture: the posterior's mode in the transformer's scale, fp32 [C, h, w] under
/// the name `latents`. Computed in fp32 whatever the training computes in: it happens once. Returns
/// their keys, in order. Progress: phase "encoding pictures".
std::vector<std::string> encode_pictures(const sampling::OpenModel& model,
                                         const std::vector<PictureToEncode>& pictures,
                                         const EncodingCache& cache, Progress& progress);

/// `t5` [Lt, joint_attention_dim] and `clip` [pooled_projection_dim] of each caption, in `dtype`.
/// Returns their keys. Progress: phase "text".
std::vector<std::string> encode_captions(const sampling::OpenModel& model,
                                         const std::vector<std::string>& captions,
                                         int64_t text_length, at::ScalarType dtype,
                                         const EncodingCache& cache, Progress& progress);

}  // namespace iclora::train
