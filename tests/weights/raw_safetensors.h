#pragma once
// Safetensors files made by hand, right and wrong.

#include <cstdint>
#include <string>

namespace iclora::testing_support {

/// 8 bytes of length, the header, `data` bytes of zeros.
inline std::string raw_safetensors(const std::string& header, size_t data) {
  std::string out;
  for (int i = 0; i < 8; ++i) out.push_back(static_cast<char>(header.size() >> (8 * i) & 0xFF));
  return out + header + std::string(data, '\0');
}

/// One tensor of the header.
inline std::string entry(const std::string& name, const std::string& dtype,
                         const std::string& shape, const std::string& offsets) {
  return "\"" + name + "\":{\"dtype\":\"" + dtype + "\",\"shape\":" + shape +
         ",\"data_offsets\":" + offsets + "}";
}

}  // namespace iclora::testing_support
