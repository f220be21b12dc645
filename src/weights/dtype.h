#pragma once
// Element types as safetensors names them.

#include <cstdint>
#include <optional>
#include <string_view>

namespace iclora::weights {

enum class Dtype : uint8_t {
  f64,
  f32,
  f16,
  bf16,
  f8_e4m3,
  f8_e5m2,
  i64,
  i32,
  i16,
  i8,
  u8,
  boolean
};

/// Bytes an element.
uint64_t size_of(Dtype dtype);
/// "F32", "BF16", "F8_E4M3", ...
std::string_view name_of(Dtype dtype);
std::optional<Dtype> dtype_from_name(std::string_view name);

}  // namespace iclora::weights
