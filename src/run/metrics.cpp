#include "run/metrics.h"

#include <cmath>
#include <optional>

#include "core/file.h"

namespace iclora::run {
namespace {

constexpr uint64_t kLargestLog = uint64_t{1} << 32;

Json number(double value) {
  return std::isfinite(value) ? Json(value) : Json(nullptr);
}

/// The line as an object with a step, unless it is torn.
std::optional<Json> parse_line(std::string_view line) {
  Json object = Json::parse(line, nullptr, false);
  if (!object.is_object() || !object.contains("step") || !object["step"].is_number_integer()) {
    return std::nullopt;
  }
  return object;
}

/// Calls `take` with each whole line and the offset of its end, until it says no.
template <typename Take>
void for_each_line(std::string_view text, Take&& take) {
  size_t begin = 0;
  for (size_t end = text.find('\n'); end != std::string_view::npos; end = text.find('\n', begin)) {
    auto line = parse_line(text.substr(begin, end - begin));
    begin = end + 1;
    if (!line || !take(*line, begin)) return;
  }
}

}  // namespace

Json to_json(const StepMetrics& metrics) {
  Json json = {{"step", metrics.step},
               {"loss", number(metrics.loss)},
               {"learning_rate", metrics.learning_rate},
               {"grad_norm", number(metrics.grad_norm)},
               {"seconds", metrics.seconds},
               {"samples_seen", metrics.samples_seen}};
  if (metrics.skipped || !std::isfinite(metrics.loss)) json["skipped"] = true;
  return json;
}

Json to_json(const ValidationMetrics& metrics) {
  Json panels = Json::array();
  for (const double loss : metrics.panels) panels.push_back(number(loss));
  return {{"step", metrics.step}, {"loss", number(metrics.loss)}, {"panels", std::move(panels)}};
}

StepLog::StepLog(std::filesystem::path path, int64_t last_step) : file_(std::move(path)) {
  cut_back(last_step);
}

void StepLog::cut_back(int64_t last_step) {
  uint64_t kept = 0;
  for_each_line(read_file(file_.path(), kLargestLog), [&](const Json& line, size_t end) {
    if (line["step"] > last_step) return false;
    kept = end;
    return true;
  });
  if (kept != file_.size()) file_.cut(kept);
  sync();
}

void StepLog::append(const Json& line) {
  file_.append(line.dump() + "\n");
}

void StepLog::sync() {
  file_.sync();
}

std::vector<Json> read_step_log(const std::filesystem::path& path) {
  std::vector<Json> lines;
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return lines;
  for_each_line(read_file(path, kLargestLog), [&](Json& line, size_t) {
    lines.push_back(std::move(line));
    return true;
  });
  return lines;
}

}  // namespace iclora::run
