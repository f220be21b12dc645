#include "captions/joint_caption.h"

#include <algorithm>
#include <array>

#include "core/error.h"

namespace iclora::captions {
namespace {

struct Named {
  Dialect dialect;
  std::string_view name;
};
constexpr std::array<Named, 6> kNames = {{{Dialect::scene, "scene"},
                                          {Dialect::image, "image"},
                                          {Dialect::panel, "panel"},
                                          {Dialect::sides, "sides"},
                                          {Dialect::halves, "halves"},
                                          {Dialect::corners, "corners"}}};
constexpr int64_t kMostPanels = 4096;

std::vector<std::string> fixed_markers(Dialect dialect) {
  switch (dialect) {
    case Dialect::sides:
      return {"[LEFT]", "[RIGHT]"};
    case Dialect::halves:
      return {"[TOP]", "[BOTTOM]"};
    case Dialect::corners:
      return {"[TOP-LEFT]", "[TOP-RIGHT]", "[BOTTOM-LEFT]", "[BOTTOM-RIGHT]"};
    default:
      return {};
  }
}

std::string numbered_marker(Dialect dialect, int64_t number) {
  switch (dialect) {
    case Dialect::image:
      return fmt::format("[IMAGE{}]", number);
    case Dialect::panel:
      return fmt::format("[PANEL-{}]", number);
    default:
      return fmt::format("[SCENE-{}]", number);
  }
}

bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

/// Blanks beyond ASCII in UTF-8: no-break, en and em and other wide spaces, zero width, byte order
/// mark.
constexpr std::array<std::string_view, 20> kWideSpaces = {
    "\u00a0", "\u1680", "\u2000", "\u2001", "\u2002", "\u2003", "\u2004",
    "\u2005", "\u2006", "\u2007", "\u2008", "\u2009", "\u200a", "\u200b",
    "\u2028", "\u2029", "\u202f", "\u205f", "\u3000", "\ufeff"};

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

/// Whether nothing of it can be seen.
bool is_blank(std::string_view text) {
  while (!text.empty()) {
    size_t length = is_space(text.front()) ? 1 : 0;
    for (const std::string_view space : kWideSpaces) {
      if (text.starts_with(space)) length = space.size();
    }
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

/// Where the markers of a dialect stand, in order from the first; empty unless there are at least
/// two (of a fixed dialect: all).
std::vector<std::pair<size_t, std::string>> places_of(std::string_view text, Dialect dialect) {
  const std::vector<std::string> fixed = fixed_markers(dialect);
  std::vector<std::pair<size_t, std::string>> places;
  size_t from = 0;
  for (int64_t number = 1; number <= kMostPanels; ++number) {
    if (!fixed.empty() && number > static_cast<int64_t>(fixed.size())) break;
    const std::string marker =
        fixed.empty() ? numbered_marker(dialect, number) : fixed[static_cast<size_t>(number - 1)];
    const size_t at = text.find(marker, from);
    if (at == std::string_view::npos) break;
    places.emplace_back(at, marker);
    from = at + marker.size();
  }
  if (places.size() < 2 || (!fixed.empty() && places.size() != fixed.size())) return {};
  return places;
}

/// A tag such as [MOVIE-SHOTS] at the start: capitals, digits, hyphens.
std::string_view leading_tag(std::string_view text) {
  if (!text.starts_with('[')) return {};
  const size_t end = text.find(']');
  if (end == std::string_view::npos || end < 2) return {};
  const std::string_view inside = text.substr(1, end - 1);
  const bool tag = std::all_of(inside.begin(), inside.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == ' ';
  });
  return tag ? text.substr(0, end + 1) : std::string_view();
}

GridSize implied_grid(Dialect dialect, size_t panels) {
  switch (dialect) {
    case Dialect::sides:
      return {1, 2};
    case Dialect::halves:
      return {2, 1};
    case Dialect::corners:
      return {2, 2};
    default:
      return {static_cast<int64_t>(panels), 1};
  }
}

void append(std::string& out, std::string_view piece) {
  const std::string clean = squeeze(piece);
  if (clean.empty()) return;
  if (!out.empty()) out.push_back(' ');
  out += clean;
}

}  // namespace

std::string squeeze(std::string_view text) {
  std::string out;
  if (is_blank(text)) return out;
  for (const char c : trimmed(text)) {
    if (!is_space(c)) {
      out.push_back(c);
    } else if (out.empty() || out.back() != ' ') {
      out.push_back(' ');
    }
  }
  return out;
}

Dialect dialect_from_name(std::string_view name) {
  std::string lower(name);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const auto is_first_marker = [&](Dialect dialect) {
    const std::vector<std::string> fixed = fixed_markers(dialect);
    std::string marker = fixed.empty() ? numbered_marker(dialect, 1) : fixed[0];
    std::transform(marker.begin(), marker.end(), marker.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return lower == marker || "[" + lower + "]" == marker;
  };
  std::string known;
  for (const Named& entry : kNames) {
    if (entry.name == lower || is_first_marker(entry.dialect)) return entry.dialect;
    known += (known.empty() ? "" : ", ") + std::string(entry.name);
  }
  fail_input("The caption dialect '{}' is not known; there are {}.", printable(name), known);
}

std::string_view name_of(Dialect dialect) {
  return std::find_if(kNames.begin(), kNames.end(),
                      [&](const Named& entry) { return entry.dialect == dialect; })
      ->name;
}

Dialect default_dialect(const GridSize& grid) {
  if (grid == GridSize{1, 2}) return Dialect::sides;
  if (grid == GridSize{2, 1}) return Dialect::halves;
  if (grid == GridSize{2, 2}) return Dialect::corners;
  return Dialect::scene;
}

std::vector<std::string> markers(Dialect dialect, int64_t panels) {
  if (panels < 1 || panels > kMostPanels) {
    fail_input("A joint caption has 1 to {} panels, not {}.", kMostPanels, panels);
  }
  std::vector<std::string> list = fixed_markers(dialect);
  if (!list.empty()) {
    if (static_cast<int64_t>(list.size()) != panels) {
      fail_input(
          "The dialect '{}' has markers for {} panels, but there are {}; use scene, image or "
          "panel.",
          name_of(dialect), list.size(), panels);
    }
    return list;
  }
  for (int64_t number = 1; number <= panels; ++number) {
    list.push_back(numbered_marker(dialect, number));
  }
  return list;
}

std::string render(const JointCaption& caption, Dialect dialect) {
  std::string out;
  append(out, caption.trigger);
  append(out, caption.overall);
  if (caption.panels.size() == 1) append(out, caption.panels[0]);
  if (caption.panels.size() > 1) {
    const auto marks = markers(dialect, static_cast<int64_t>(caption.panels.size()));
    for (size_t i = 0; i < marks.size(); ++i) {
      append(out, marks[i]);
      append(out, caption.panels[i]);
    }
  }
  return out;
}

std::vector<std::string> panel_captions(const JointCaption& caption, size_t panels) {
  if (!caption.panels.empty() && caption.panels.size() != panels) {
    fail_input(
        "The caption has {} parts for {} panels, but where panels are sequences of their own each "
        "reads its own part; write one part a panel, or use the method canvas.",
        caption.panels.size(), panels);
  }
  std::vector<std::string> out;
  out.reserve(panels);
  for (size_t i = 0; i < panels; ++i) {
    JointCaption alone = {caption.trigger, caption.overall, {}};
    if (!caption.panels.empty()) alone.panels.push_back(caption.panels[i]);
    out.push_back(render(alone, Dialect::scene));
  }
  return out;
}

Parsed parse(std::string_view text) {
  Parsed parsed;
  std::vector<std::pair<size_t, std::string>> places;
  for (const Named& entry : kNames) {
    auto found = places_of(text, entry.dialect);
    if (found.size() > places.size()) {
      places = std::move(found);
      parsed.dialect = entry.dialect;
    }
  }
  std::string_view head = trimmed(text.substr(0, places.empty() ? text.size() : places[0].first));
  if (const std::string_view tag = leading_tag(head); !tag.empty()) {
    parsed.caption.trigger = std::string(tag);
    head.remove_prefix(tag.size());
  }
  parsed.caption.overall = squeeze(head);
  for (size_t i = 0; i < places.size(); ++i) {
    const size_t begin = places[i].first + places[i].second.size();
    const size_t end = i + 1 < places.size() ? places[i + 1].first : text.size();
    parsed.caption.panels.push_back(squeeze(text.substr(begin, end - begin)));
  }
  if (parsed.dialect) parsed.grid = implied_grid(*parsed.dialect, places.size());
  return parsed;
}

std::optional<JointCaption> parse_as(std::string_view text, Dialect dialect, size_t panels,
                                     std::string_view trigger) {
  if (panels < 2) return std::nullopt;
  const auto marks = markers(dialect, static_cast<int64_t>(panels));
  JointCaption caption;
  caption.trigger = squeeze(trigger);
  std::string_view rest = trimmed(text);
  if (!rest.starts_with(caption.trigger)) return std::nullopt;
  rest.remove_prefix(caption.trigger.size());
  for (size_t i = 0; i < marks.size(); ++i) {
    const size_t at = rest.find(marks[i]);
    if (at == std::string_view::npos) return std::nullopt;
    const std::string piece = squeeze(rest.substr(0, at));
    if (i == 0) {
      caption.overall = piece;
    } else {
      caption.panels.push_back(piece);
    }
    rest.remove_prefix(at + marks[i].size());
  }
  caption.panels.push_back(squeeze(rest));
  return caption;
}

}  // namespace iclora::captions
