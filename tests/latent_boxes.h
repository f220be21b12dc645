#pragma once
// The panels of the fixtures that tools/reference/dump_gdt.py and dump_apart.py write.

#include <vector>

#include "fixtures.h"
#include "flux/panel_sequences.h"

namespace iclora::testing_support {

/// The rows of tensor `name`: x, y, width, height of each panel in latent pixels.
inline std::vector<flux::LatentBox> latent_boxes(Fixture& fixture, const std::string& name) {
  const at::Tensor stored = fixture[name].to(at::kLong);
  std::vector<flux::LatentBox> out;
  out.reserve(static_cast<size_t>(stored.size(0)));
  for (int64_t i = 0; i < stored.size(0); ++i) {
    const auto value = [&](int64_t k) { return stored[i][k].item<int64_t>(); };
    out.push_back({value(0), value(1), value(2), value(3)});
  }
  return out;
}

}  // namespace iclora::testing_support
