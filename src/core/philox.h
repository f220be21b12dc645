#pragma once
// Counter-based random numbers (Philox4x32-10; Salmon et al., "Parallel random numbers: as easy as
// 1, 2, 3", SC 2011). A draw is a function of (seed, stream, step, index): the same on every device
// and thread count, and nothing to store for a resume.

#include <array>
#include <cstdint>
#include <span>

namespace iclora {

/// What a stream of draws is for. The numbers are part of what a seed means: never reuse or change.
enum class Stream : uint32_t {
  sampling_noise = 1,  ///< index = sample in the request, element in the sample
  training_noise = 2,  ///< index = position in the global batch
  timestep = 3,
  order = 4,  ///< shuffling of the data
  caption_dropout = 5,
  conditional = 6,
  lora_init = 7,
  weight_init = 8,
  augmentation = 9,
  bootstrap = 10,  ///< resampling of what was measured
  given_silent = 11,
};

/// Ten rounds of Philox4x32 on `counter` under `key`.
std::array<uint32_t, 4> philox(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key);

/// Draws of one (seed, stream, step). Element i of a draw depends on i alone, not on how many are
/// drawn at once.
class Random {
 public:
  Random(uint64_t seed, Stream stream, uint64_t step = 0);

  /// 32 uniform bits at `index`.
  uint32_t bits(uint64_t index) const;
  /// Uniform in [0, 1), 24 bits.
  float uniform(uint64_t index) const;
  /// Standard normal (Box-Muller on pairs of uniforms in double, rounded once).
  float normal(uint64_t index) const;
  /// Fills `out` with normal(first), normal(first + 1), ...
  void fill_normal(std::span<float> out, uint64_t first = 0) const;

 private:
  std::array<uint32_t, 4> block(uint64_t number) const;
  std::array<uint32_t, 2> key_;
  uint32_t stream_;
  uint32_t step_;
};

}  // namespace iclora
