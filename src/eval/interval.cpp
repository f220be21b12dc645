#include "eval/interval.h"

#include <algorithm>

#include "core/philox.h"

namespace iclora::eval {
namespace {

constexpr size_t kSamples = 2000;
constexpr size_t kTail = kSamples / 40;  // 2.5 %

}  // namespace

Share share_of(const std::vector<Tally>& canvases) {
  std::vector<Tally> counted;
  Share out;
  for (const Tally& canvas : canvases) {
    if (canvas.of == 0) continue;
    counted.push_back(canvas);
    out.right += canvas.right;
    out.of += canvas.of;
  }
  if (counted.empty()) return out;
  out.share = static_cast<double>(out.right) / static_cast<double>(out.of);
  std::vector<double> shares(kSamples);
  for (size_t sample = 0; sample < kSamples; ++sample) {
    const Random random(0, Stream::bootstrap, sample);
    Tally sum;
    for (size_t i = 0; i < counted.size(); ++i) {
      const auto pick = static_cast<size_t>(uint64_t{random.bits(i)} * counted.size() >> 32);
      sum.right += counted[pick].right;
      sum.of += counted[pick].of;
    }
    shares[sample] = static_cast<double>(sum.right) / static_cast<double>(sum.of);
  }
  std::sort(shares.begin(), shares.end());
  out.low = shares[kTail];
  out.high = shares[kSamples - 1 - kTail];
  return out;
}

}  // namespace iclora::eval
