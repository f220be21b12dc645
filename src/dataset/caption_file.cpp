#include "dataset/caption_file.h"

#include <algorithm>

#include "captions/lint.h"
#include "core/file.h"
#include "core/nearest.h"
#include "tokenizers/unicode.h"

namespace iclora::dataset {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

panels::Grid grid_of(const captions::GridSize& size) {
  return {size.rows, size.columns};
}

void read_grid(const std::string& text, const std::string& where, Set& set, Problems& problems) {
  if (text.empty() || text == "auto") return;
  if (text == "row") {
    set.strip = panels::Strip::row;
  } else if (text == "column") {
    set.strip = panels::Strip::column;
  } else {
    try {
      set.grid = panels::parse_grid(text);
    } catch (const Error& error) {
      problems.push_back({set.caption_file, Level::error, where + error.what(),
                          "Write rows x columns, 'row' or 'column', or leave it out."});
    }
  }
}

/// Free boxes: {"canvas": "WxH", "boxes": [[x, y, w, h], ...]}.
void read_boxes(const Json& object, const std::string& where, Set& set, Problems& problems) {
  const auto boxes = object.find("boxes");
  const auto canvas = object.find("canvas");
  if (boxes == object.end() && canvas == object.end()) return;
  const std::string remedy =
      "Write \"canvas\": \"WxH\" and \"boxes\": [[x, y, width, height], ...], one box a panel.";
  if (boxes == object.end() || canvas == object.end() || set.strip || set.grid) {
    problems.push_back({set.caption_file, Level::error,
                        where + (set.strip || set.grid ? "'grid' and 'boxes' contradict each other."
                                                       : "'canvas' and 'boxes' belong together."),
                        remedy});
    return;
  }
  try {
    const auto count = boxes->is_array() ? boxes->size() : 0;
    set.boxes = panels::layout_from_json(
        {{"canvas", *canvas}, {"grid", fmt::format("1x{}", count)}, {"boxes", *boxes}}, "boxes");
  } catch (const Error& error) {
    problems.push_back({set.caption_file, Level::error, where + error.what(), remedy});
  }
}

}  // namespace

std::string read_caption_text(const std::filesystem::path& path) {
  std::string text = read_file(path, kMaximumCaptionBytes);
  if (text.starts_with(kByteOrderMark)) text.erase(0, kByteOrderMark.size());
  const std::string file = printable(path.native(), 400);
  for (size_t at = 0; at < text.size();) {
    const size_t length = tokenizers::utf8_length(std::string_view(text).substr(at));
    if (length == 0 || text[at] == '\0') {
      fail_input("'{}' is not UTF-8 text: byte {}.", file, at + 1);
    }
    at += length;
  }
  return text;
}

void read_caption_txt(const std::filesystem::path& path, Set& set, Problems& problems) {
  set.caption_file = path.native();
  std::string text;
  try {
    text = read_caption_text(path);
  } catch (const Error& error) {
    problems.push_back({set.caption_file, Level::error, error.what(), "Save it as UTF-8 text."});
    set.caption_file.clear();
    return;
  }
  for (const captions::Fault& fault : captions::lint_markers(text)) {
    problems.push_back(
        {set.caption_file, fault.severe ? Level::error : Level::warning, fault.what, fault.remedy});
  }
  captions::Parsed parsed = captions::parse(text);
  set.caption = std::move(parsed.caption);
  set.dialect = parsed.dialect;
  if (parsed.dialect && !set.grid && !set.strip && !set.boxes) set.grid = grid_of(parsed.grid);
}

std::string text_member(const Json& object, const std::string& key, const std::string& file,
                        const std::string& where, Problems& problems) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return "";
  if (found->is_string()) return found->get<std::string>();
  problems.push_back({file, Level::error, fmt::format("{}'{}' must be a text.", where, key),
                      "Put it in quotation marks."});
  return "";
}

std::optional<Centre> centre_of(const Json& value, const std::string& file,
                                const std::string& where, Problems& problems) {
  if (value.is_null()) return std::nullopt;
  const auto in_unit = [](const Json& number) {
    return number.is_number() && number.get<double>() >= 0 && number.get<double>() <= 1;
  };
  if (value.is_array() && value.size() == 2 && in_unit(value[0]) && in_unit(value[1])) {
    return Centre{value[0].get<double>(), value[1].get<double>()};
  }
  problems.push_back({file, Level::error,
                      fmt::format("{}a centre must be [x, y], both from 0 to 1, but it is {}.",
                                  where, printable(value.dump(), 60)),
                      "Write [0.5, 0.5] for the middle, [0, 0] for the top left corner."});
  return std::nullopt;
}

void read_set_members(const Json& object, const std::string& where, Set& set, Problems& problems) {
  set.task = text_member(object, "task", set.caption_file, where, problems);
  set.caption.trigger = text_member(object, "trigger", set.caption_file, where, problems);
  set.caption.overall = text_member(object, "overall", set.caption_file, where, problems);
  const std::string dialect = text_member(object, "dialect", set.caption_file, where, problems);
  if (!dialect.empty() && dialect != "auto") {
    try {
      set.dialect = captions::dialect_from_name(dialect);
    } catch (const Error& error) {
      problems.push_back({set.caption_file, Level::error, where + error.what(),
                          "Name one of these, or leave it out."});
    }
  }
  read_grid(text_member(object, "grid", set.caption_file, where, problems), where, set, problems);
  read_boxes(object, where, set, problems);
}

void report_unknown_keys(const Json& object, const std::vector<std::string>& known,
                         const std::string& file, const std::string& where, Problems& problems) {
  for (const auto& [key, value] : object.items()) {
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    const auto meant = nearest(key, known);
    const bool taken = meant && object.contains(*meant);
    if (meant && !taken) {
      problems.push_back({file, Level::error,
                          fmt::format("{}There is no key '{}' here.", where, printable(key, 40)),
                          fmt::format("Write '{}' if that was meant.", *meant)});
    } else {
      problems.push_back({file, Level::warning,
                          fmt::format("{}The key '{}' is not used.", where, printable(key, 40)),
                          "Remove it, or leave it as a note to yourself."});
    }
  }
}

void read_caption_json(const std::filesystem::path& path, Set& set, Problems& problems) {
  const std::string& file = path.native();
  Json json;
  try {
    json = parse_json(read_caption_text(path), "The caption");
  } catch (const Error& error) {
    problems.push_back(
        {file, Level::error, error.what(), "Write {\"overall\": \"...\", \"panels\": [\"...\"]}."});
    return;
  }
  const auto parts = json.is_object() ? json.find("panels") : json.end();
  if (!json.is_object() || (parts != json.end() && !parts->is_array())) {
    problems.push_back({file, Level::error,
                        json.is_object() ? "'panels' must be a list of texts."
                                         : "The caption is not a JSON object.",
                        "Write {\"overall\": \"...\", \"panels\": [\"...\", \"...\"]}."});
    return;
  }
  static const std::vector<std::string> kKeys = {"overall", "panels", "trigger", "dialect", "task",
                                                 "grid",    "canvas", "boxes",   "centres"};
  report_unknown_keys(json, kKeys, file, "", problems);
  read_set_members(json, "", set, problems);
  if (parts != json.end()) {
    for (const Json& part : *parts) {
      if (!part.is_string()) {
        problems.push_back({file, Level::error,
                            fmt::format("'panels' must be a list of texts, but there is {}.",
                                        printable(part.dump(), 60)),
                            "Write one text a panel."});
      }
      set.caption.panels.push_back(part.is_string() ? part.get<std::string>() : "");
    }
  }
  const auto centres = json.find("centres");
  if (centres == json.end()) return;
  if (!centres->is_array() || centres->size() != set.panels.size()) {
    problems.push_back(
        {file, Level::error,
         fmt::format("'centres' must be a list of {} centres, one a panel.", set.panels.size()),
         "Write [[x, y], ...], null for the middle."});
    return;
  }
  for (size_t i = 0; i < set.panels.size(); ++i) {
    set.panels[i].centre = centre_of((*centres)[i], file, "", problems);
  }
}

}  // namespace iclora::dataset
