#include "sampling/paste.h"

#include <cstdlib>

#include "image/place.h"

namespace iclora::sampling {
namespace {

const panels::Box& box_of(const panels::Layout& layout, const GivenPanel& given) {
  return layout.boxes[static_cast<size_t>(given.number - 1)];
}

struct Mean {
  double sum = 0;
  int64_t count = 0;
  double value() const { return count == 0 ? 0 : sum / static_cast<double>(count); }
};

/// Whether the pixel lies in no panel or in another than `own`: then what is beside it is a border.
bool borders(const panels::Layout& layout, const panels::Box& own, int64_t x, int64_t y) {
  if (x < 0 || y < 0 || x >= layout.width || y >= layout.height) return false;
  return x < own.x || y < own.y || x >= own.x + own.width || y >= own.y + own.height;
}

}  // namespace

std::vector<GivenResult> measure_given(const image::Image& canvas, const panels::Layout& layout,
                                       const std::vector<GivenPanel>& panels) {
  std::vector<GivenResult> out;
  for (const GivenPanel& given : panels) {
    const panels::Box& box = box_of(layout, given);
    Mean whole, seam;
    for (int64_t y = 0; y < box.height; ++y) {
      const uint8_t* drawn = canvas.row(box.y + y) + box.x * 3;
      const uint8_t* picture = given.picture.row(y);
      for (int64_t x = 0; x < box.width; ++x) {
        double difference = 0;
        for (int64_t channel = 0; channel < 3; ++channel) {
          difference += std::abs(int{drawn[x * 3 + channel]} - int{picture[x * 3 + channel]});
        }
        whole.sum += difference;
        whole.count += 3;
        const int64_t at_x = box.x + x, at_y = box.y + y;
        if (borders(layout, box, at_x - 1, at_y) || borders(layout, box, at_x + 1, at_y) ||
            borders(layout, box, at_x, at_y - 1) || borders(layout, box, at_x, at_y + 1)) {
          seam.sum += difference;
          seam.count += 3;
        }
      }
    }
    out.push_back({given.number, whole.value(), seam.value()});
  }
  return out;
}

void paste_given(image::Image& canvas, const panels::Layout& layout,
                 const std::vector<GivenPanel>& panels) {
  for (const GivenPanel& given : panels) {
    const panels::Box& box = box_of(layout, given);
    image::put(canvas, given.picture, box.x, box.y);
  }
}

}  // namespace iclora::sampling
