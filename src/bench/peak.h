#pragma once
// What the machine could do at best: the multiply-add rate of its vector units, measured with
// registers alone.

#include <string>

namespace iclora::bench {

struct Peak {
  double fp32_gflops = 0;  ///< 10^9 floating-point operations a second, all threads together
  double bf16_gflops = 0;  ///< the fp32 rate where the processor has no bf16 products
  std::string fp32_unit;   ///< "avx512f", "avx2+fma" or "scalar"
  std::string bf16_unit;   ///< "avx512_bf16" or that of fp32
};

/// Runs each probe for a few milliseconds a thread and takes the best of several.
Peak measure_peak(int threads);

}  // namespace iclora::bench
