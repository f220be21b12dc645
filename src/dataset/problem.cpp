#include "dataset/problem.h"

#include <algorithm>
#include <tuple>

namespace iclora::dataset {

std::string_view name_of(Level level) {
  return level == Level::error ? "error" : "warning";
}

bool has_errors(const Problems& problems) {
  return std::any_of(problems.begin(), problems.end(),
                     [](const Problem& problem) { return problem.level == Level::error; });
}

void throw_errors(const Problems& problems, const std::string& path) {
  const auto is_error = [](const Problem& problem) { return problem.level == Level::error; };
  const auto first = std::find_if(problems.begin(), problems.end(), is_error);
  if (first == problems.end()) return;
  const auto more = std::count_if(first + 1, problems.end(), is_error);
  if (more == 0) fail_input("{}", line_of(*first));
  fail_input("{} There {} {} more; 'iclora dataset check {}' lists all.", line_of(*first),
             more == 1 ? "is" : "are", more, printable(path, 400));
}

void sort_problems(Problems& problems) {
  const auto key = [](const Problem& problem) {
    return std::tuple(std::string_view(problem.file), problem.level == Level::error ? 0 : 1,
                      std::string_view(problem.what));
  };
  std::stable_sort(problems.begin(), problems.end(),
                   [&](const Problem& a, const Problem& b) { return key(a) < key(b); });
  problems.erase(std::unique(problems.begin(), problems.end()), problems.end());
}

std::string line_of(const Problem& problem) {
  const std::string file = problem.file.empty() ? "" : printable(problem.file, 400) + ": ";
  return file + problem.what + " " + problem.remedy;
}

Json problems_to_json(const Problems& problems) {
  Json list = Json::array();
  for (const Problem& problem : problems) {
    list.push_back({{"file", problem.file},
                    {"level", std::string(name_of(problem.level))},
                    {"what", problem.what},
                    {"remedy", problem.remedy}});
  }
  return list;
}

}  // namespace iclora::dataset
