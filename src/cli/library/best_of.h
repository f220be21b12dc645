#pragma once
// `generate` with candidates: from the call's options to the best of several seeds.

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "core/json.h"
#include "core/progress.h"
#include "sampling/generate.h"

namespace iclora::cli {

struct BestOfOptions {
  int64_t count = 0;
  int64_t keep = 1;
  std::optional<int64_t> steps;  ///< none: a share of the request's
  std::string score = "auto";
  std::optional<std::filesystem::path> classifier;
  /// Of score "judge".
  std::string endpoint, model, hint;
  std::filesystem::path helper;
};

/// Strict: unknown keys, values out of range and `keep` above `count` are errors (exit 2).
BestOfOptions best_of_options(const Json& json, const std::string& origin);

/// Everything that can be refused is refused at construction, before anything is drawn.
class BestOfRun {
 public:
  /// `resolved` (with `count` canvases) and `progress` outlive it.
  BestOfRun(const BestOfOptions& options, const sampling::Resolved& resolved, Progress& progress);
  ~BestOfRun();
  BestOfRun(const BestOfRun&) = delete;
  BestOfRun& operator=(const BestOfRun&) = delete;

  /// The kept canvases, the best first; `report`: eval::best_of_json.
  sampling::ImageSet draw(const std::string& build, Json& report);

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace iclora::cli
