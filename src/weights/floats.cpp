#include "weights/floats.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

#include "core/error.h"

namespace iclora::weights {
namespace {

float from_half(uint16_t bits) {
  const int exponent = bits >> 10 & 31;
  const int mantissa = bits & 1023;
  float magnitude = exponent == 0 ? std::ldexp(static_cast<float>(mantissa), -24)
                                  : std::ldexp(static_cast<float>(1024 + mantissa), exponent - 25);
  if (exponent == 31) {
    magnitude = mantissa == 0 ? std::numeric_limits<float>::infinity()
                              : std::numeric_limits<float>::quiet_NaN();
  }
  return (bits >> 15) != 0 ? -magnitude : magnitude;
}

float from_bf16(uint16_t bits) {
  return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
}

uint16_t to_half(float value) {
  const auto sign = static_cast<uint16_t>(std::signbit(value) ? 0x8000 : 0);
  const float magnitude = std::abs(value);
  if (std::isnan(value)) return sign | 0x7e00;
  // Halfway between the largest number and what would be the next.
  if (magnitude >= 65520.0F) return sign | 0x7c00;
  // In units of the smallest normal number and below: of the smallest number, exactly.
  if (magnitude < std::ldexp(1.0F, -14)) {
    return sign | static_cast<uint16_t>(std::nearbyint(std::ldexp(magnitude, 24)));
  }
  int exponent = 0;  // magnitude = fraction * 2^exponent, fraction in [0.5, 1)
  const float fraction = std::frexp(magnitude, &exponent);
  const auto mantissa = static_cast<int>(std::nearbyint(std::ldexp(fraction, 11)));  // 1024 to 2048
  return sign | static_cast<uint16_t>(((exponent + 13) << 10) + mantissa);
}

uint16_t to_bf16(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  if (std::isnan(value)) return static_cast<uint16_t>(bits >> 16 | 0x40);
  return static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

template <typename Stored, typename Convert>
std::vector<float> read(const StoredTensor& tensor, const Convert& convert) {
  std::vector<float> out(tensor.bytes.size() / sizeof(Stored));
  for (size_t i = 0; i < out.size(); ++i) {
    Stored stored;
    std::memcpy(&stored, tensor.bytes.data() + i * sizeof stored, sizeof stored);
    out[i] = convert(stored);
  }
  return out;
}

template <typename Stored, typename Convert>
std::vector<std::byte> written(std::span<const float> values, const Convert& convert) {
  std::vector<std::byte> out(values.size() * sizeof(Stored));
  for (size_t i = 0; i < values.size(); ++i) {
    const Stored stored = convert(values[i]);
    std::memcpy(out.data() + i * sizeof stored, &stored, sizeof stored);
  }
  return out;
}

}  // namespace

std::vector<float> to_floats(const StoredTensor& tensor) {
  switch (tensor.dtype) {
    case Dtype::f32:
      return read<float>(tensor, [](float value) { return value; });
    case Dtype::f64:
      return read<double>(tensor, [](double value) { return static_cast<float>(value); });
    case Dtype::f16:
      return read<uint16_t>(tensor, from_half);
    case Dtype::bf16:
      return read<uint16_t>(tensor, from_bf16);
    default:
      fail_input("'{}' is stored as {}, expected F32, F16, BF16 or F64.", printable(tensor.name),
                 name_of(tensor.dtype));
  }
}

std::vector<std::byte> to_bytes(std::span<const float> values, Dtype dtype) {
  switch (dtype) {
    case Dtype::f32:
      return written<float>(values, [](float value) { return value; });
    case Dtype::f16:
      return written<uint16_t>(values, to_half);
    case Dtype::bf16:
      return written<uint16_t>(values, to_bf16);
    default:
      fail(ErrorKind::internal, "to_bytes: numbers are not written as {}.", name_of(dtype));
  }
}

}  // namespace iclora::weights
