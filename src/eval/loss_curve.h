#pragma once
// A training's loss as a curve, on a page and on a sheet.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "image/image.h"

namespace iclora::eval {

struct LossPoint {
  int64_t step = 0;
  double loss = 0;
};

/// Of metrics.jsonl: the steps' losses, each the mean over a fifteenth of the training around it,
/// since timesteps are drawn at random and single losses jump. Steps that were skipped are left
/// out. Empty where there is no log.
std::vector<LossPoint> read_losses(const std::filesystem::path& metrics);

/// The curve with its axes; points must not be empty. `class`es axis, bar and tick are the page's.
std::string loss_svg(const std::vector<LossPoint>& points);
image::Image loss_picture(const std::vector<LossPoint>& points, int64_t width, int64_t height);

}  // namespace iclora::eval
