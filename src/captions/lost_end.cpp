#include "captions/lost_end.h"

#include <fmt/format.h>

#include <vector>

#include "captions/joint_caption.h"

namespace iclora::captions {
namespace {

/// "panel 2", "panels 2 and 3", "panels 2 to 5": a tail of the panels.
std::string panels_from(size_t first, size_t last) {
  if (first == last) return fmt::format("panel {}", last);
  return fmt::format("panels {} {} {}", first, last == first + 1 ? "and" : "to", last);
}

}  // namespace

std::string lost_end(std::string_view rendered, int64_t limit, const CountTokens& count_tokens) {
  if (count_tokens(rendered) <= limit) return "";
  const Parsed parsed = parse(rendered);
  const size_t panels = parsed.caption.panels.size();
  if (!parsed.dialect || panels < 2) return "its end is lost";
  // No token reaches across a space, so that pieces may be counted one by one.
  const std::vector<std::string> marks = markers(*parsed.dialect, static_cast<int64_t>(panels));
  const int64_t read = limit - 1;
  int64_t end = count_tokens(parsed.caption.trigger + " " + parsed.caption.overall) - 1;
  size_t cut = 0;            // the panel in whose part the last token that is read lies; 0: none
  size_t lost = panels + 1;  // the first whose part is not read at all
  for (size_t panel = 1; panel <= panels; ++panel) {
    const int64_t marker = end + count_tokens(marks[panel - 1]) - 1;
    if (marker >= read) {  // a marker alone says nothing
      lost = panel;
      break;
    }
    end += count_tokens(marks[panel - 1] + " " + parsed.caption.panels[panel - 1]) - 1;
    if (end > read) cut = panel;
  }
  const std::string short_part =
      cut == 0 ? "" : fmt::format("the part of panel {} is cut short", cut);
  if (lost > panels) return cut == 0 ? "its end is lost" : short_part;
  const bool several = lost < panels;
  if (cut == 0) {
    return fmt::format("the {} of {} {} lost", several ? "parts" : "part",
                       panels_from(lost, panels), several ? "are" : "is");
  }
  return fmt::format("{} and {} of {} {} lost", short_part, several ? "those" : "that",
                     panels_from(lost, panels), several ? "are" : "is");
}

}  // namespace iclora::captions
