#include "bench/peak.h"

#include <immintrin.h>

#include <algorithm>
#include <chrono>
#include <thread>
#include <vector>

namespace iclora::bench {
namespace {

constexpr int kRounds = 200'000;
// Chains that run side by side; more than latency (4) times units (2) keeps the units busy.
constexpr int kChains = 12;

// Each probe returns a value that depends on all its work, so that none of it can be dropped.

__attribute__((target("avx512f"))) float total_avx512(const __m512 (&sums)[kChains]) {
  float total = 0;
  float lanes[16];
  for (const auto& sum : sums) {
    _mm512_storeu_ps(lanes, sum);
    for (const float lane : lanes) total += lane;
  }
  return total;
}

__attribute__((target("avx512f"))) float probe_avx512(int rounds) {
  __m512 sums[kChains];
  for (auto& sum : sums) sum = _mm512_set1_ps(1.0F);
  const __m512 a = _mm512_set1_ps(0.999999F);
  const __m512 b = _mm512_set1_ps(1e-6F);
  for (int i = 0; i < rounds; ++i) {
#pragma GCC unroll 12
    for (int chain = 0; chain < kChains; ++chain) sums[chain] = _mm512_fmadd_ps(sums[chain], a, b);
  }
  return total_avx512(sums);
}

__attribute__((target("avx512f,avx512bw,avx512bf16"))) float probe_bf16(int rounds) {
  __m512 sums[kChains];
  for (auto& sum : sums) sum = _mm512_setzero_ps();
  const __m512bh a = _mm512_cvtne2ps_pbh(_mm512_set1_ps(0.5F), _mm512_set1_ps(0.5F));
  const __m512bh b = _mm512_cvtne2ps_pbh(_mm512_set1_ps(1e-3F), _mm512_set1_ps(-1e-3F));
  for (int i = 0; i < rounds; ++i) {
#pragma GCC unroll 12
    for (int chain = 0; chain < kChains; ++chain) sums[chain] = _mm512_dpbf16_ps(sums[chain], a, b);
  }
  return total_avx512(sums);
}

__attribute__((target("avx2,fma"))) float probe_avx2(int rounds) {
  __m256 sums[kChains];
  for (auto& sum : sums) sum = _mm256_set1_ps(1.0F);
  const __m256 a = _mm256_set1_ps(0.999999F);
  const __m256 b = _mm256_set1_ps(1e-6F);
  for (int i = 0; i < rounds; ++i) {
#pragma GCC unroll 12
    for (int chain = 0; chain < kChains; ++chain) sums[chain] = _mm256_fmadd_ps(sums[chain], a, b);
  }
  float total = 0;
  float lanes[8];
  for (const auto& sum : sums) {
    _mm256_storeu_ps(lanes, sum);
    for (const float lane : lanes) total += lane;
  }
  return total;
}

float probe_scalar(int rounds) {
  float sums[kChains];
  std::fill(std::begin(sums), std::end(sums), 1.0F);
  for (int i = 0; i < rounds; ++i) {
    for (float& sum : sums) sum = sum * 0.999999F + 1e-6F;
  }
  float total = 0;
  for (const float sum : sums) total += sum;
  return total;
}

struct Probe {
  float (*run)(int rounds);
  double flops_a_round;  ///< of one chain
  const char* unit;
};

double gflops(const Probe& probe, int threads) {
  double best = 0;
  for (int repeat = 0; repeat < 5; ++repeat) {
    std::vector<std::thread> workers;
    workers.reserve(static_cast<size_t>(threads));
    std::vector<float> results(static_cast<size_t>(threads));
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < threads; ++i) {
      workers.emplace_back([&, i] { results[static_cast<size_t>(i)] = probe.run(kRounds); });
    }
    for (auto& worker : workers) worker.join();
    const double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    // The results are looked at so that the compiler must make them.
    if (*std::max_element(results.begin(), results.end()) > 1e30F) continue;
    best = std::max(best, probe.flops_a_round * kChains * kRounds * threads / seconds / 1e9);
  }
  return best;
}

}  // namespace

Peak measure_peak(int threads) {
  Probe fp32 = {probe_scalar, 2, "scalar"};
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    fp32 = {probe_avx2, 16, "avx2+fma"};
  }
  if (__builtin_cpu_supports("avx512f")) fp32 = {probe_avx512, 32, "avx512f"};
  Peak peak;
  peak.fp32_unit = fp32.unit;
  peak.fp32_gflops = gflops(fp32, threads);
  peak.bf16_unit = fp32.unit;
  peak.bf16_gflops = peak.fp32_gflops;
  if (__builtin_cpu_supports("avx512bf16")) {
    peak.bf16_unit = "avx512_bf16";
    peak.bf16_gflops = gflops({probe_bf16, 64, "avx512_bf16"}, threads);
  }
  return peak;
}

}  // namespace iclora::bench
