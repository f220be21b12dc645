#pragma once
// Held-out sets on disk for tests: pairs of 32 px panels, with or without labels.

#include <filesystem>
#include <fstream>
#include <string>

#include "core/json.h"
#include "image/png_write.h"

namespace iclora::testing_support {

/// `count` sets in FOLDER/sets: panel p of set i has stripes of one colour.
inline void write_pairs(const std::filesystem::path& folder, int count) {
  for (int i = 0; i < count; ++i) {
    const auto set = folder / "sets" / ("00" + std::to_string(i + 1));
    std::filesystem::create_directories(set);
    for (int panel = 0; panel < 2; ++panel) {
      image::Image picture(32, 32);
      for (size_t k = 0; k < picture.rgb.size(); ++k) {
        picture.rgb[k] = static_cast<uint8_t>(60 * i + 20 * static_cast<int>(k % 3) + 30 * panel +
                                              static_cast<int>(k % 7));
      }
      image::write_png(set / (std::to_string(panel + 1) + ".png"), picture);
    }
    std::ofstream(set / "caption.json")
        << R"({"overall": "a pair <&>", "panels": ["a cat at night", "in a room"]})";
  }
}

/// task.json and labels.jsonl for them, with the columns of the fixture's classifier.
inline void write_pair_labels(const std::filesystem::path& folder, int count) {
  std::ofstream(folder / "task.json") << R"({"task": "pairs", "grid": "1x2"})";
  std::ofstream file(folder / "labels.jsonl");
  for (int i = 0; i < count; ++i) {
    file
        << R"({"id": "00)" << i + 1
        << R"(", "grid": "1x2", "shared": {"subject": "cat"}, "panels": [)"
        << R"({"labels": {"subject": "cat", "background": "night"}, "says": ["subject", "background"]}, )"
        << R"({"labels": {"subject": "cat", "background": "room"}, "says": ["background"]}]})"
        << "\n";
  }
}

}  // namespace iclora::testing_support
