#include "eval/interval.h"

#include "eval/estimate.h"

namespace iclora::eval {

Share share_of(const std::vector<Tally>& canvases) {
  Share out;
  std::vector<Observation> all;
  for (const Tally& canvas : canvases) {
    out.right += canvas.right;
    out.of += canvas.of;
    all.push_back({static_cast<double>(canvas.right), static_cast<double>(canvas.of)});
  }
  const Estimate estimate = mean_of(all);
  out.share = estimate.value;
  out.low = estimate.low;
  out.high = estimate.high;
  return out;
}

}  // namespace iclora::eval
