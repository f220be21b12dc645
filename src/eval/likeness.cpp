#include "eval/likeness.h"

#include <algorithm>
#include <cmath>

#include "image/resize.h"

namespace iclora::eval {

PanelLook look_of(const image::Image& panel) {
  PanelLook out;
  out.histogram.fill(0);
  const float part = 1.0F / static_cast<float>(panel.width * panel.height);
  for (size_t i = 0; i + 2 < panel.rgb.size(); i += 3) {
    size_t bin = 0;
    for (size_t channel = 0; channel < 3; ++channel) {
      bin = bin * kShades + panel.rgb[i + channel] * static_cast<size_t>(kShades) / 256;
    }
    out.histogram[bin] += part;
  }
  const image::Image small = image::resize(panel, kThumbnail, kThumbnail);
  for (const uint8_t value : small.rgb) out.thumbnail.push_back(static_cast<float>(value) / 255);
  return out;
}

double colours_shared(const PanelLook& a, const PanelLook& b) {
  double sum = 0;
  for (size_t i = 0; i < a.histogram.size(); ++i) sum += std::min(a.histogram[i], b.histogram[i]);
  return sum;
}

double apart(const PanelLook& a, const PanelLook& b) {
  double sum = 0;
  for (size_t i = 0; i < a.thumbnail.size(); ++i) sum += std::abs(a.thumbnail[i] - b.thumbnail[i]);
  return sum / static_cast<double>(a.thumbnail.size());
}

}  // namespace iclora::eval
