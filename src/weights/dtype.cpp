#include "weights/dtype.h"

#include <array>

namespace iclora::weights {
namespace {

struct Entry {
  Dtype dtype;
  std::string_view name;
  uint64_t size;
};

constexpr std::array<Entry, 12> kEntries = {{{Dtype::f64, "F64", 8},
                                             {Dtype::f32, "F32", 4},
                                             {Dtype::f16, "F16", 2},
                                             {Dtype::bf16, "BF16", 2},
                                             {Dtype::f8_e4m3, "F8_E4M3", 1},
                                             {Dtype::f8_e5m2, "F8_E5M2", 1},
                                             {Dtype::i64, "I64", 8},
                                             {Dtype::i32, "I32", 4},
                                             {Dtype::i16, "I16", 2},
                                             {Dtype::i8, "I8", 1},
                                             {Dtype::u8, "U8", 1},
                                             {Dtype::boolean, "BOOL", 1}}};

}  // namespace

uint64_t size_of(Dtype dtype) {
  return kEntries[static_cast<size_t>(dtype)].size;
}

std::string_view name_of(Dtype dtype) {
  return kEntries[static_cast<size_t>(dtype)].name;
}

std::optional<Dtype> dtype_from_name(std::string_view name) {
  for (const Entry& entry : kEntries) {
    if (entry.name == name) return entry.dtype;
  }
  return std::nullopt;
}

}  // namespace iclora::weights
