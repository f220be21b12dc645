#pragma once
// Data sets of each form in which nothing is wrong.

#include "core/json.h"
#include "data_set.h"

namespace iclora::dataset {

inline constexpr const char* kCaptions[] = {
    "[FILM] A fox's day with <Anna>. [SCENE-1] <Anna> wakes [SCENE-2] <Anna> runs [SCENE-3] rest",
    "[FILM] A stormy night at sea. [SCENE-1] clouds gather [SCENE-2] the mast breaks [SCENE-3] "
    "dawn",
    "[FILM] A market in the rain. [SCENE-1] stalls open [SCENE-2] people run [SCENE-3] it clears",
    "[FILM] Two old friends meet. [SCENE-1] a letter [SCENE-2] the station [SCENE-3] they laugh"};

/// Four sets of three panels, in folders; nothing is wrong with them.
inline void put_folders(const fs::path& root) {
  for (uint64_t i = 0; i < 4; ++i) {
    put_set(root / fmt::format("set-{}", i + 1), 3, 96, 64, i + 1, kCaptions[i]);
  }
}

/// The same as glued canvases.
inline void put_canvases(const fs::path& root) {
  for (uint64_t i = 0; i < 4; ++i) {
    put_photo(root / fmt::format("shot-{}.png", i + 1), 96, 192, i + 1);
    put_text(root / fmt::format("shot-{}.txt", i + 1), kCaptions[i]);
  }
}

inline Json manifest_line(int number) {
  Json panels = Json::array();
  for (int i = 1; i <= 2; ++i) {
    panels.push_back({{"image", fmt::format("p/{}-{}.png", number, i)},
                      {"caption", fmt::format("part {} of {}", i, number)}});
  }
  return {{"id", fmt::format("set-{}", number)},
          {"task", "mugs"},
          {"grid", "1x2"},
          {"overall", fmt::format("two mugs, pair {}", number)},
          {"panels", panels}};
}

inline void put_manifest(const fs::path& root, const std::vector<Json>& lines) {
  std::string text;
  for (const Json& line : lines) text += line.dump() + "\n";
  put_text(root / "sets.jsonl", text);
}

inline std::vector<Json> put_manifest(const fs::path& root) {
  std::vector<Json> lines;
  for (int i = 1; i <= 4; ++i) {
    lines.push_back(manifest_line(i));
    for (int j = 1; j <= 2; ++j) {
      put_photo(root / fmt::format("p/{}-{}.png", i, j), 64, 64,
                uint64_t{100} * static_cast<uint64_t>(i) + static_cast<uint64_t>(j));
    }
  }
  put_manifest(root, lines);
  return lines;
}

}  // namespace iclora::dataset
