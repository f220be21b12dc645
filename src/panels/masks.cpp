#include "panels/masks.h"

#include <algorithm>

#include "core/error.h"

namespace iclora::panels {

std::vector<uint8_t> panel_mask(const Layout& layout, const std::vector<int64_t>& numbers,
                                int64_t cell) {
  if (cell < 1) fail(ErrorKind::internal, "panel_mask: cells of {} pixels.", cell);
  if (layout.width % cell != 0 || layout.height % cell != 0) {
    fail_input("A canvas of {}x{} pixels has no whole cells of {} pixels.", layout.width,
               layout.height, cell);
  }
  const int64_t columns = layout.width / cell;
  std::vector<uint8_t> mask(static_cast<size_t>(columns * (layout.height / cell)));
  std::vector<bool> seen(layout.boxes.size());
  for (const int64_t number : numbers) {
    if (number < 1 || number > static_cast<int64_t>(layout.boxes.size())) {
      fail_input("There is no panel {}; the set has panels 1 to {}.", number, layout.boxes.size());
    }
    const auto index = static_cast<size_t>(number - 1);
    if (seen[index]) fail_input("Panel {} is named twice.", number);
    seen[index] = true;
    const Box& box = layout.boxes[index];
    if (box.x % cell != 0 || box.y % cell != 0 || box.width % cell != 0 || box.height % cell != 0) {
      fail_input("Panel {} lies at {},{} with {}x{} pixels, which are not multiples of {}.", number,
                 box.x, box.y, box.width, box.height, cell);
    }
    for (int64_t y = box.y / cell; y < (box.y + box.height) / cell; ++y) {
      std::fill_n(mask.begin() + y * columns + box.x / cell, box.width / cell, uint8_t{1});
    }
  }
  return mask;
}

}  // namespace iclora::panels
