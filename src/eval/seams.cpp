#include "eval/seams.h"

#include <algorithm>

namespace iclora::eval {
namespace {

constexpr int64_t kSmallestPanel = 4 * kSeamBand;

struct Mean {
  double sum = 0;
  int64_t count = 0;
  double value() const { return count > 0 ? sum / static_cast<double>(count) : 0; }
};

/// Squared differences of pixel pairs ((x, y), (x, y) + step) for all of a box.
void add_pairs(const image::Image& canvas, const panels::Box& box, int64_t right, int64_t down,
               Mean& mean) {
  for (int64_t y = box.y; y < box.y + box.height; ++y) {
    for (int64_t x = box.x; x < box.x + box.width; ++x) {
      const uint8_t* one = canvas.row(y) + x * 3;
      const uint8_t* other = canvas.row(y + down) + (x + right) * 3;
      for (int64_t channel = 0; channel < 3; ++channel) {
        const double difference = (one[channel] - other[channel]) / 255.0;
        mean.sum += difference * difference;
        ++mean.count;
      }
    }
  }
}

struct Sums {
  Mean beside, across, inside;
};

/// The border between `first` and `second`, which lies right of it or below it.
void add_border(const image::Image& canvas, const panels::Box& first, const panels::Box& second,
                bool vertical, Sums& sums) {
  const int64_t right = vertical ? 1 : 0, down = vertical ? 0 : 1;
  // Pairs begin at their left or upper pixel: a band of n pixels holds n - 1 pairs.
  const auto strip = [&](const panels::Box& box, int64_t from, int64_t pairs) {
    return vertical ? panels::Box{box.x + from, box.y, pairs, box.height}
                    : panels::Box{box.x, box.y + from, box.width, pairs};
  };
  const int64_t length = vertical ? first.width : first.height;
  const int64_t other = vertical ? second.width : second.height;
  add_pairs(canvas, strip(first, length - kSeamBand, kSeamBand - 1), right, down, sums.beside);
  add_pairs(canvas, strip(second, 0, kSeamBand - 1), right, down, sums.beside);
  add_pairs(canvas, strip(first, length - 1, 1), right, down, sums.across);
  // Both ends of a panel are left out of its inside, whichever of them is a border.
  add_pairs(canvas, strip(first, kSeamBand, length - 2 * kSeamBand - 1), right, down, sums.inside);
  add_pairs(canvas, strip(second, kSeamBand, other - 2 * kSeamBand - 1), right, down, sums.inside);
}

}  // namespace

SeamEnergy seam_energy(const image::Image& canvas, const panels::Layout& layout) {
  Sums sums;
  for (const panels::Box& first : layout.boxes) {
    for (const panels::Box& second : layout.boxes) {
      if (std::min({first.width, first.height, second.width, second.height}) < kSmallestPanel) {
        continue;
      }
      if (second.x == first.x + first.width && second.y == first.y &&
          second.height == first.height) {
        add_border(canvas, first, second, true, sums);
      } else if (second.y == first.y + first.height && second.x == first.x &&
                 second.width == first.width) {
        add_border(canvas, first, second, false, sums);
      }
    }
  }
  return {sums.beside.value(), sums.across.value(), sums.inside.value(), sums.across.count > 0};
}

}  // namespace iclora::eval
