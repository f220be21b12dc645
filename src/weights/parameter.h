#pragma once
// What a model needs: its tensors by name, with shapes and how a new one is filled.

#include <cstdint>
#include <string>
#include <vector>

namespace iclora::weights {

/// How `iclora init` fills a tensor.
struct Init {
  enum class Kind { normal, zeros, ones } kind = Kind::normal;
  double deviation = 0.02;  ///< of `normal`
};

struct ParameterSpec {
  std::string name;
  std::vector<int64_t> shape;
  Init init;

  int64_t element_count() const {
    int64_t count = 1;
    for (const int64_t axis : shape) count *= axis;
    return count;
  }
};

/// The usual pieces.
inline Init init_normal(double deviation) {
  return {Init::Kind::normal, deviation};
}
inline Init init_zeros() {
  return {Init::Kind::zeros, 0};
}
inline Init init_ones() {
  return {Init::Kind::ones, 0};
}

}  // namespace iclora::weights
