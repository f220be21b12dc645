#include "dataset/sheet.h"

#include <algorithm>
#include <mutex>

#include "dataset/load.h"
#include "dataset/parallel.h"
#include "dataset/sheet_text.h"
#include "image/place.h"
#include "image/resize.h"

namespace iclora::dataset {
namespace {

constexpr int64_t kMargin = 24;  // around the page and between cards
constexpr int64_t kGap = 8;      // inside a card
constexpr image::Rgb kFaint = {120, 120, 128};
constexpr image::Rgb kMarker = {28, 84, 170};

struct Run {
  std::string text;
  image::Rgb colour;
};
/// One line of a card: runs side by side.
using Line = std::vector<Run>;

struct Card {
  image::Image thumbnail;
  std::string title;
  std::string facts;
  std::vector<Line> lines;
  int64_t height = 0;
};

image::Image thumbnail_of(const image::Image& canvas, int64_t width) {
  // Tall canvases would fill the page; wide ones fill the column.
  const int64_t height = width * 5 / 4;
  const double scale =
      std::min({1.0, static_cast<double>(width) / static_cast<double>(canvas.width),
                static_cast<double>(height) / static_cast<double>(canvas.height)});
  const auto side = [&](int64_t length, int64_t most) {
    return std::clamp<int64_t>(std::llround(static_cast<double>(length) * scale), 1, most);
  };
  return image::resize(canvas, side(canvas.width, width), side(canvas.height, height));
}

void add_text(Card& card, TextPen& pen, const std::string& marker, const std::string& text,
              int64_t width) {
  if (marker.empty() && text.empty()) return;
  // The marker and its part are wrapped as one text; only the first line begins with the marker.
  const std::string whole = marker + (marker.empty() || text.empty() ? "" : " ") + text;
  bool first = true;
  for (const std::string& line : pen.wrapped(whole, width)) {
    const bool marked = first && !marker.empty() && line.starts_with(marker);
    Line runs;
    if (marked) runs.push_back({marker, kMarker});
    runs.push_back({marked ? line.substr(marker.size()) : line, kInk});
    card.lines.push_back(std::move(runs));
    first = false;
  }
}

Card card_of(const Set& set, const Item& item, bool held_out, const image::Image& thumbnail,
             const DataOptions& data, TextPen& pen, int64_t width) {
  Card card;
  card.thumbnail = thumbnail;
  card.title = set.id;
  card.facts =
      fmt::format("{}, {} x {} pixels{}{}", panels::to_string(item.layout.grid), item.layout.width,
                  item.layout.height, set.task.empty() ? "" : ", " + set.task,
                  held_out ? ", held out for validation" : "");
  const captions::JointCaption& caption = set.caption;
  std::string trigger = caption.trigger;
  if (!data.trigger.empty() && !item.caption.starts_with(trigger + " ")) trigger = data.trigger;
  add_text(card, pen, captions::squeeze(trigger), captions::squeeze(caption.overall), width);
  if (caption.panels.size() > 1) {
    const auto marks = captions::markers(dialect_of(set, item.layout.grid, data),
                                         static_cast<int64_t>(caption.panels.size()));
    for (size_t i = 0; i < marks.size(); ++i) {
      add_text(card, pen, marks[i], captions::squeeze(caption.panels[i]), width);
    }
  } else if (!caption.panels.empty()) {
    add_text(card, pen, "", captions::squeeze(caption.panels[0]), width);
  }
  if (card.lines.empty()) card.lines.push_back({{"(no caption)", kFaint}});
  return card;
}

void draw_card(image::Image& page, const Card& card, int64_t x, int64_t y, int64_t width,
               TextPen& title, TextPen& text) {
  const std::vector<std::string> lines = title.wrapped(card.title, width);
  title.draw(page, x, y, lines.empty() ? "" : lines[0], kInk);
  y += title.line_height();
  text.draw(page, x, y, card.facts, kFaint);
  y += text.line_height() + kGap;
  image::put(page, card.thumbnail, x, y);
  y += card.thumbnail.height + kGap;
  for (const Line& line : card.lines) {
    int64_t at = x;
    for (const Run& run : line) at = text.draw(page, at, y, run.text, run.colour);
    y += text.line_height();
  }
}

void check_options(const SheetOptions& options) {
  constexpr int64_t kNarrowest = 160;
  if (options.columns < 1 || options.width > image::kMaximumSide ||
      (options.width - kMargin) / options.columns - kMargin < kNarrowest) {
    fail_input("A sheet of {} pixels cannot have {} columns: each needs {} and {} between them.",
               options.width, options.columns, kNarrowest, kMargin);
  }
}

}  // namespace

std::vector<image::Image> contact_sheets(const std::vector<Set>& sets, const Plan& plan,
                                         const DataOptions& data, const SheetOptions& options,
                                         Progress& progress) {
  check_options(options);
  const int64_t width = (options.width - kMargin) / options.columns - kMargin;
  std::vector<std::pair<const Item*, bool>> items;  // and whether it is held out
  std::vector<bool> seen(sets.size());
  for (const auto* list : {&plan.training, &plan.validation}) {
    for (const Item& item : *list) {
      if (!seen[item.set]) items.emplace_back(&item, list == &plan.validation);
      seen[item.set] = true;
    }
  }
  std::vector<image::Image> thumbnails(items.size());
  std::mutex progress_mutex;
  int64_t done = 0;
  for_each_parallel(items.size(), [&](size_t i) {
    const Item& item = *items[i].first;
    thumbnails[i] = thumbnail_of(load_set(sets[item.set], item, data.fit).canvas, width);
    const std::lock_guard lock(progress_mutex);
    check_cancelled(progress);
    progress.report({"reading sets", ++done, static_cast<int64_t>(items.size()), std::nullopt});
  });
  TextPen title(19), text(15);
  std::vector<std::vector<Card>> rows;
  for (size_t i = 0; i < items.size(); ++i) {
    const auto& [item, held_out] = items[i];
    if (i % static_cast<size_t>(options.columns) == 0) rows.emplace_back();
    Card card = card_of(sets[item->set], *item, held_out, thumbnails[i], data, text, width);
    card.height = title.line_height() + text.line_height() + 2 * kGap + card.thumbnail.height +
                  static_cast<int64_t>(card.lines.size()) * text.line_height();
    rows.back().push_back(std::move(card));
  }
  std::vector<image::Image> pages;
  for (size_t from = 0; from < rows.size();) {
    int64_t height = kMargin;
    size_t to = from;
    std::vector<int64_t> heights;
    for (; to < rows.size(); ++to) {
      int64_t tallest = 0;
      for (const Card& card : rows[to]) tallest = std::max(tallest, card.height);
      // A caption of thousands of lines ends with the page.
      tallest = std::min(tallest, image::kMaximumSide - 2 * kMargin);
      if (to > from && height + tallest + kMargin > options.page_height) break;
      heights.push_back(tallest);
      height += tallest + kMargin;
    }
    image::Image page = image::filled(options.width, height, kPaper);
    int64_t y = kMargin;
    for (size_t row = from; row < to; ++row) {
      int64_t x = kMargin;
      for (const Card& card : rows[row]) {
        draw_card(page, card, x, y, width, title, text);
        x += width + kMargin;
      }
      y += heights[row - from] + kMargin;
    }
    pages.push_back(std::move(page));
    from = to;
  }
  return pages;
}

}  // namespace iclora::dataset
