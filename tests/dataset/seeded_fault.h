#pragma once
// Good data sets in which one thing is wrong: what `check` must say of each.

#include <gtest/gtest.h>

#include <functional>

#include "dataset/check.h"
#include "good_sets.h"

namespace iclora::dataset {

/// One seeded fault: how it is made, and what must be told of which file.
struct Seed {
  std::string name;
  std::function<void(const fs::path&)> make;
  std::string file;
  Level level;
  std::string what;
  DataOptions data = {};
};

inline void PrintTo(const Seed& seed, std::ostream* out) {
  *out << seed.name;
}

inline std::function<void(const fs::path&)> folders_then(
    const std::function<void(const fs::path&)>& change) {
  return [change](const fs::path& root) {
    put_folders(root);
    change(root);
  };
}

inline std::function<void(const fs::path&)> canvases_then(
    const std::function<void(const fs::path&)>& change) {
  return [change](const fs::path& root) {
    put_canvases(root);
    change(root);
  };
}

/// Instantiated by what is wrong, in the files *_faults_test.cpp.
class SeededFault : public testing::TestWithParam<Seed> {};

inline std::string test_name(const testing::TestParamInfo<Seed>& seed) {
  std::string name = seed.param.name;
  for (char& c : name) {
    if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
  }
  return name;
}

}  // namespace iclora::dataset
