#pragma once
// Everything that is wrong or suspicious about a data set, found before anything is trained.

#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "core/json.h"
#include "dataset/plan.h"
#include "dataset/problem.h"

namespace iclora::dataset {

/// The text encoder's view of a caption.
struct TokenLimit {
  int64_t limit = 512;
  /// Empty: no tokenizer is at hand. Then words are counted: each has at least one token, so that
  /// more words than tokens are surely too many, and somewhat fewer are suspicious.
  std::function<int64_t(std::string_view)> count;
};
/// From a model folder: its T5 tokenizer and the length its captions are cut to (as in training and
/// generation). Errors (exit 2) name the file.
TokenLimit token_limit_of_model(const std::filesystem::path& model);

struct CheckOptions {
  DataOptions data;  ///< as the training will have them; `validation` does not matter
  TokenLimit tokens;
};

struct Report {
  size_t sets = 0;  ///< found, also those that cannot be used
  /// Grids of the sets that can be laid out, the most frequent first.
  std::vector<std::pair<panels::Grid, size_t>> grids;
  Problems problems;
};

/// Reads everything, pixels too, in several threads. Never throws for what is wrong with the data
/// set; contradictions in the options are thrown (exit 2).
Report check(const std::filesystem::path& path, const CheckOptions& options);

/// {"sets": 3, "grids": [{"grid": "3x1", "sets": 3}], "problems": [{"file": "...", "level":
/// "error|warning", "what": "...", "remedy": "..."}]}.
Json report_to_json(const Report& report);

}  // namespace iclora::dataset
