#pragma once
// The verb `generate`: from a request to pictures.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/progress.h"
#include "image/image.h"
#include "image/png_write.h"
#include "sampling/euler.h"
#include "sampling/given.h"
#include "sampling/paste.h"
#include "sampling/resolve.h"
#include "weights/safetensors_writer.h"

namespace iclora::sampling {

/// One canvas of a run.
struct Canvas {
  uint64_t seed = 0;
  at::Tensor latents;  ///< fp32 [1, 16, h, w], in the transformer's scale
  image::Image picture;
  image::Texts texts;              ///< what the picture says of itself
  std::vector<GivenResult> given;  ///< how close the model's own drawing of given panels came
};

/// All canvases of a run, of one layout.
struct ImageSet {
  panels::Layout layout;
  std::vector<Canvas> canvases;
};

/// What all canvases of a request begin from and are conditioned on: computed once, however often
/// and in however many steps some of them are drawn.
struct Prepared {
  std::vector<at::Tensor> start;      ///< noises of the `count` canvases, fp32 [1, C, h, w]
  std::vector<Conditioning> prompts;  ///< then, with true guidance, the negative one
  std::optional<GivenTokens> given;
};
/// Text encoders, then the autoencoder's encoder are in memory for it, one after the other.
Prepared prepare(const Resolved& resolved, Progress& progress);

/// The canvases `which` (from 0, of request.count) in `steps` steps; each is what it is whatever
/// else is drawn with it. Transformer and autoencoder are in memory one after the other. `build` is
/// written into the pictures, beside the request as it stands.
ImageSet draw(const Resolved& resolved, const Prepared& prepared, const std::vector<int64_t>& which,
              int64_t steps, const std::string& build, Progress& progress);

/// All canvases of the request, in its steps: prepare, then draw. Text encoders, transformer and
/// autoencoder are in memory one after the other, never together.
ImageSet generate(const Resolved& resolved, const std::string& build, Progress& progress);

/// Where the pictures of a run go (design 4.1): a folder gets canvas-01.png and so on, a name
/// ending in .png is used itself, numbered where there are several.
struct OutputPaths {
  std::vector<std::filesystem::path> canvases;
  std::vector<std::vector<std::filesystem::path>> panels;  ///< empty lists: not split
};
OutputPaths output_paths(const std::filesystem::path& out, int64_t count, int64_t panel_count,
                         bool split);

/// Writes all canvases and panels, or none (panels::write_pictures).
void save(const ImageSet& set, const OutputPaths& paths);

/// Writes `latents`, fp32 [count, 16, h, w], beside `path`; commit() gives them their name.
std::unique_ptr<weights::SafetensorsWriter> write_latents(const ImageSet& set,
                                                          const std::filesystem::path& path);

/// The noise that a canvas of this seed starts from, fp32 [1, channels, h, w].
at::Tensor seeded_noise(uint64_t seed, int64_t channels, int64_t h, int64_t w);

}  // namespace iclora::sampling
