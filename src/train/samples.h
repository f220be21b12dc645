#pragma once
// Pictures on the way: the same prompts with the same seeds at every interval.

#include <filesystem>
#include <string>
#include <vector>

#include "core/progress.h"
#include "image/image.h"
#include "panels/layout.h"
#include "run/config.h"
#include "sampling/conditioning.h"
#include "sampling/method.h"
#include "sampling/model.h"

namespace iclora::train {

struct SamplePrompt {
  std::string prompt;
  panels::Layout layout;
  sampling::Method method = sampling::Method::canvas;
  sampling::Conditioning conditioning;  ///< encoded before the training begins
};

/// Encodes the prompts. `fallback`: the layout where a prompt has no markers, or markers of as many
/// panels; `panel`: the size of a panel where the markers say another grid.
std::vector<SamplePrompt> sample_prompts(const sampling::OpenModel& model,
                                         const run::SampleConfig& config,
                                         const panels::Layout& fallback, sampling::Method method,
                                         at::ScalarType dtype, Progress& progress);

/// Draws every prompt with the transformer as it is.
std::vector<image::Image> draw_samples(const sampling::OpenModel& model,
                                       const flux::Transformer& transformer,
                                       const std::vector<SamplePrompt>& prompts,
                                       const run::SampleConfig& config, at::ScalarType dtype,
                                       Progress& progress);

/// Writes the drawn canvases and their panels: `folder`/01.png, 01-panel-1.png, ...
void write_samples(const std::vector<image::Image>& pictures,
                   const std::vector<SamplePrompt>& prompts, const run::SampleConfig& config,
                   const std::filesystem::path& folder);

/// Whether write_samples has written all that it writes into `folder`.
bool samples_are_complete(const std::filesystem::path& folder,
                          const std::vector<SamplePrompt>& prompts);

}  // namespace iclora::train
