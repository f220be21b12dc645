#include "core/philox.h"

#include <cmath>
#include <numbers>

#include "core/error.h"

namespace iclora {
namespace {

/// Two standard normals from two words (Box-Muller). The uniform under the logarithm is in (0, 1].
std::array<double, 2> box_muller(uint32_t first, uint32_t second) {
  const double u = (static_cast<double>(first) + 1.0) * 0x1p-32;
  const double angle = 2.0 * std::numbers::pi * static_cast<double>(second) * 0x1p-32;
  const double radius = std::sqrt(-2.0 * std::log(u));
  return {radius * std::cos(angle), radius * std::sin(angle)};
}

}  // namespace

std::array<uint32_t, 4> philox(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const uint64_t low = uint64_t{0xD2511F53} * counter[0];
    const uint64_t high = uint64_t{0xCD9E8D57} * counter[2];
    counter = {static_cast<uint32_t>(high >> 32) ^ counter[1] ^ key[0], static_cast<uint32_t>(high),
               static_cast<uint32_t>(low >> 32) ^ counter[3] ^ key[1], static_cast<uint32_t>(low)};
    key[0] += 0x9E3779B9;
    key[1] += 0xBB67AE85;
  }
  return counter;
}

Random::Random(uint64_t seed, Stream stream, uint64_t step)
    : key_{static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)},
      stream_(static_cast<uint32_t>(stream)),
      step_(static_cast<uint32_t>(step)) {
  if (step > UINT32_MAX)
    fail(ErrorKind::internal, "Random: step {} needs more than 32 bits.", step);
}

std::array<uint32_t, 4> Random::block(uint64_t number) const {
  return philox(
      {static_cast<uint32_t>(number), static_cast<uint32_t>(number >> 32), step_, stream_}, key_);
}

uint32_t Random::bits(uint64_t index) const {
  return block(index / 4)[index % 4];
}

float Random::uniform(uint64_t index) const {
  return static_cast<float>(bits(index) >> 8) * 0x1p-24F;
}

float Random::normal(uint64_t index) const {
  const auto words = block(index / 4);
  const size_t pair = index % 4 / 2 * 2;
  return static_cast<float>(box_muller(words[pair], words[pair + 1])[index % 2]);
}

void Random::fill_normal(std::span<float> out, uint64_t first) const {
  size_t i = 0;
  for (; i < out.size() && (first + i) % 4 != 0; ++i) out[i] = normal(first + i);
  for (; i + 4 <= out.size(); i += 4) {
    const auto words = block((first + i) / 4);
    const auto a = box_muller(words[0], words[1]);
    const auto b = box_muller(words[2], words[3]);
    out[i] = static_cast<float>(a[0]);
    out[i + 1] = static_cast<float>(a[1]);
    out[i + 2] = static_cast<float>(b[0]);
    out[i + 3] = static_cast<float>(b[1]);
  }
  for (; i < out.size(); ++i) out[i] = normal(first + i);
}

}  // namespace iclora
