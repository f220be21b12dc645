#pragma once
// What is wrong with a data set, collected so that all of it can be told at once.

#include <string>
#include <vector>

#include "core/error.h"
#include "core/json.h"

namespace iclora::dataset {

enum class Level {
  warning,  ///< training works, but probably not as meant
  error,    ///< the set cannot be used as it is
};
/// "warning", "error".
std::string_view name_of(Level level);

struct Problem {
  std::string file;  ///< as a path that the user can open; empty: of the data set as a whole
  Level level = Level::error;
  std::string what;    ///< one sentence: expected and found
  std::string remedy;  ///< one sentence: what to do
  bool operator==(const Problem&) const = default;
};
using Problems = std::vector<Problem>;

bool has_errors(const Problems& problems);
/// Throws (exit 2) if there is an error: the first one, and how many more there are. `path` is the
/// data set.
void throw_errors(const Problems& problems, const std::string& path);
/// Files in the order of their names, errors before warnings, each problem once.
void sort_problems(Problems& problems);
/// "FILE: WHAT REMEDY" on one line.
std::string line_of(const Problem& problem);

/// [{"file", "level", "what", "remedy"}, ...].
Json problems_to_json(const Problems& problems);

}  // namespace iclora::dataset
