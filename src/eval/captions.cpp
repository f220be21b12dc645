#include "eval/captions.h"

#include <algorithm>
#include <set>

#include "core/error.h"
#include "core/file.h"
#include "core/json.h"
#include "core/nearest.h"

namespace iclora::eval {
namespace {

constexpr uint64_t kMostBytes = uint64_t{64} << 20;

/// ", but ...; did you mean 'x'?" or nothing.
std::string suggestion(const std::string& word, const std::vector<std::string>& known) {
  const auto near = nearest(word, known);
  return near ? fmt::format(" Did you mean '{}'?", *near) : "";
}

Expected read_panel(const Json& panel, const Classifier& classifier, const std::string& where) {
  if (!panel.is_object()) {
    fail_input("{}: a panel must be an object such as {{\"subject\": \"cat\"}}.", where);
  }
  Expected out;
  for (const auto& [name, value] : panel.items()) {
    const Column* column = classifier.column(name);
    if (column == nullptr) {
      std::vector<std::string> known;
      for (const Column& one : classifier.columns) known.push_back(one.name);
      fail_input("{}: the classifier has no column '{}'.{}", where, printable(name),
                 suggestion(name, known));
    }
    const std::string wanted = json_string(panel, name, where);
    const auto index = column->index_of(wanted);
    if (!index) {
      fail_input("{}: the classifier's column '{}' has no class '{}'.{}", where, name,
                 printable(wanted), suggestion(wanted, column->classes));
    }
    out.emplace_back(column - classifier.columns.data(), *index);
  }
  return out;
}

HeldOutCaption read_line(std::string_view line, const std::string& where,
                         const Classifier& classifier) {
  const Json json = parse_json(line, where);
  if (!json.is_object()) fail_input("{}: a line must be a JSON object.", where);
  const std::vector<std::string> known = {"id", "caption", "grid", "panels"};
  for (const auto& [key, value] : json.items()) {
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      fail_input("{}: unknown key '{}'.{}", where, printable(key), suggestion(key, known));
    }
  }
  HeldOutCaption out;
  out.id = json_string(json, "id", where);
  out.caption = json_string(json, "caption", where);
  out.grid = panels::parse_grid(json_string(json, "grid", where));
  const auto list = json.find("panels");
  if (list == json.end() || !list->is_array() ||
      static_cast<int64_t>(list->size()) != out.grid.count()) {
    fail_input("{}: 'panels' must be a list of {} panels, as many as the grid {} has.", where,
               out.grid.count(), panels::to_string(out.grid));
  }
  for (const Json& panel : *list) out.panels.push_back(read_panel(panel, classifier, where));
  return out;
}

}  // namespace

std::vector<HeldOutCaption> read_captions(const std::filesystem::path& path,
                                          const Classifier& classifier) {
  const std::string text = read_file(path, kMostBytes);
  std::vector<HeldOutCaption> out;
  std::set<std::string> ids;
  size_t number = 0;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line = std::string_view(text).substr(begin, end - begin);
    begin = end + 1;
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    const std::string where = fmt::format("'{}', line {}", printable(path.native(), 400), number);
    out.push_back(read_line(line, where, classifier));
    if (!ids.insert(out.back().id).second) {
      fail_input("{}: the id '{}' stands there twice.", where, printable(out.back().id));
    }
  }
  if (out.empty()) {
    fail_input("'{}' holds no caption; write one JSON object a line.",
               printable(path.native(), 400));
  }
  return out;
}

}  // namespace iclora::eval
