#pragma once
// Small data sets on disk, made for one test.

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "core/philox.h"
#include "dataset/problem.h"
#include "image/png_write.h"
#include "scratch.h"

namespace iclora::dataset {

namespace fs = std::filesystem;

/// Smooth colours that differ from seed to seed in every part of the picture.
inline image::Image photo(int64_t width, int64_t height, uint64_t seed) {
  image::Image picture(width, height);
  const Random random(seed, Stream::augmentation);
  constexpr int64_t kKnots = 6;
  std::vector<double> values;
  for (uint64_t i = 0; i < kKnots * kKnots * 3; ++i) values.push_back(255.0 * random.uniform(i));
  const auto knot = [&](int64_t row, int64_t column, int64_t channel) {
    return values[static_cast<size_t>((row * kKnots + column) * 3 + channel)];
  };
  for (int64_t y = 0; y < height; ++y) {
    const double v = static_cast<double>(y) * (kKnots - 1) / static_cast<double>(height);
    const auto row = static_cast<int64_t>(v);
    for (int64_t x = 0; x < width; ++x) {
      const double u = static_cast<double>(x) * (kKnots - 1) / static_cast<double>(width);
      const auto column = static_cast<int64_t>(u);
      const double a = u - static_cast<double>(column), b = v - static_cast<double>(row);
      for (int64_t c = 0; c < 3; ++c) {
        const double top = knot(row, column, c) * (1 - a) + knot(row, column + 1, c) * a;
        const double low = knot(row + 1, column, c) * (1 - a) + knot(row + 1, column + 1, c) * a;
        picture.row(y)[x * 3 + c] = static_cast<uint8_t>(top * (1 - b) + low * b);
      }
    }
  }
  return picture;
}

inline void put_text(const fs::path& path, const std::string& text) {
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << text;  // a test need not survive a power cut
}

inline void put_photo(const fs::path& path, int64_t width, int64_t height, uint64_t seed) {
  put_text(path, image::encode_png(photo(width, height, seed)));
}

/// FOLDER/1.png ... of equal size, and caption.txt.
inline void put_set(const fs::path& folder, size_t panels, int64_t width, int64_t height,
                    uint64_t seed, const std::string& caption) {
  for (size_t i = 1; i <= panels; ++i) {
    put_photo(folder / fmt::format("{}.png", i), width, height, seed * 1000 + i);
  }
  put_text(folder / "caption.txt", caption);
}

/// The problem whose file ends so and whose sentence holds `what`.
inline const Problem* find_problem(const Problems& problems, const std::string& file,
                                   const std::string& what) {
  const auto found = std::find_if(problems.begin(), problems.end(), [&](const Problem& problem) {
    return problem.file.ends_with(file) && problem.what.find(what) != std::string::npos;
  });
  return found == problems.end() ? nullptr : &*found;
}

inline std::string all_lines(const Problems& problems) {
  std::string text;
  for (const Problem& problem : problems) {
    text += fmt::format("{}: {}\n", name_of(problem.level), line_of(problem));
  }
  return text;
}

}  // namespace iclora::dataset
