#include "run/stop_policy.h"

#include <fmt/ranges.h>

#include <limits>

#include "core/error.h"

namespace iclora::run {

StopPolicy::Verdict StopPolicy::observe(int64_t step, bool finite) {
  std::erase_if(recent_, [&](int64_t earlier) { return earlier <= step - kWindow; });
  if (finite) {
    if (gave_up_at_ && step > *gave_up_at_ + kWindow) gave_up_at_.reset();
    return Verdict::proceed;
  }
  recent_.push_back(step);
  ++skipped_;
  if (static_cast<int64_t>(recent_.size()) < kMost) return Verdict::skip;
  if (gave_up_at_) return Verdict::stop;
  gave_up_at_ = step;
  return Verdict::roll_back;
}

void StopPolicy::rolled_back(const StopPolicy& saved) {
  recent_ = saved.recent_;
  skipped_ = saved.skipped_;
}

void StopPolicy::fail_stopped(int64_t step) const {
  fail(
      ErrorKind::numerics,
      "The loss or the gradient was not a finite number in steps {}, again after going back to the "
      "last checkpoint; training stopped at step {}. The last checkpoint is good: lower "
      "train.learning_rate, set train.clip, or train in fp32.",
      fmt::join(recent_, ", "), step);
}

Json StopPolicy::to_json() const {
  Json json = {{"skipped", skipped_}, {"recent", recent_}};
  if (gave_up_at_) json["gave_up_at"] = *gave_up_at_;
  return json;
}

StopPolicy StopPolicy::from_json(const Json& json, const std::string& origin) {
  constexpr int64_t kLargest = std::numeric_limits<int64_t>::max() - kWindow;
  StopPolicy policy;
  policy.skipped_ = json_integer(json, "skipped", origin, 0, kLargest);
  const auto recent = json.find("recent");
  if (recent == json.end() || !recent->is_array() || recent->size() > kWindow) {
    fail_input("{}: 'recent' must be a list of at most {} steps.", origin, kWindow);
  }
  for (const Json& step : *recent) {
    if (!step.is_number_integer() || step < 1 || step > kLargest) {
      fail_input("{}: 'recent' must hold steps.", origin);
    }
    policy.recent_.push_back(step.get<int64_t>());
  }
  if (json.contains("gave_up_at")) {
    policy.gave_up_at_ = json_integer(json, "gave_up_at", origin, 1, kLargest);
  }
  return policy;
}

}  // namespace iclora::run
