#include "eval/comparison_sheet.h"

#include <fmt/format.h>

#include <algorithm>

#include "dataset/sheet_text.h"
#include "eval/sheet.h"
#include "image/place.h"

namespace iclora::eval {
namespace {

using dataset::TextLine;

constexpr int64_t kWidth = 1600;
constexpr int64_t kMargin = 20;
constexpr int64_t kGap = 6;
constexpr int64_t kCurve = 180;      // height of the loss curve
constexpr int64_t kNarrowest = 128;  // of a canvas with its text
constexpr image::Rgb kSoft = {110, 110, 118};
constexpr image::Rgb kRight = {24, 120, 60};
constexpr image::Rgb kWrong = {190, 30, 30};

struct Figure {
  image::Image picture;
  std::vector<TextLine> lines;
  int64_t height = 0;
};

/// One set: its caption above, its figures side by side.
struct Block {
  std::vector<TextLine> lines;
  std::vector<Figure> figures;
  int64_t height = 0;
};

std::vector<const Row*> shown_rows(const Comparison& comparison) {
  std::vector<const Row*> out;
  for (const Row& row : comparison.rows) {
    if (row.kind != "shuffled" && row.kind != "rebuilt") out.push_back(&row);
  }
  return out;
}

Figure figure_of(const Comparison& comparison, const Row& row, size_t index, int64_t width,
                 dataset::TextPen& pen) {
  const DrawnSet& drawn = row.sets[index][0];
  Figure out;
  out.picture = fitted_picture(drawn.canvas, width);
  const auto add = [&](const std::string& text, image::Rgb colour) {
    dataset::add_wrapped(out.lines, pen, text, colour, width);
  };
  add(row.name, kSoft);
  if (!drawn.read.empty()) {
    const auto all =
        verdicts(comparison.sets, comparison.sets.sets[index], drawn, *comparison.classifier);
    for (size_t panel = 0; panel < all.size(); ++panel) {
      add(fmt::format("{}: {}", panel + 1, all[panel].text), all[panel].wrong ? kWrong : kRight);
    }
  }
  out.height = out.picture.height + kGap + dataset::height_of(out.lines, pen);
  return out;
}

std::vector<TextLine> head_lines(const Comparison& comparison, dataset::TextPen& pen) {
  std::vector<TextLine> out;
  const Json& report = comparison.report;
  const auto add = [&](const std::string& text, image::Rgb colour) {
    dataset::add_wrapped(out, pen, text, colour, kWidth - 2 * kMargin);
  };
  add(fmt::format("{}: {} held-out sets of {}",
                  comparison.sets.task.empty() ? "sets" : comparison.sets.task,
                  report["count"].get<size_t>(), report["grid"].get<std::string>()),
      dataset::kInk);
  for (const Row& row : comparison.rows) {
    std::string text = row.name + ":";
    for (const auto& [measure, title] : {std::pair{"consistency", "consistent"},
                                         {"success", "consistent and different"},
                                         {"adherence", "adherence"},
                                         {"colours_shared", "colours shared"}}) {
      const Estimate one = estimate_of(row, measure);
      if (one.sets == 0) continue;
      text += fmt::format("  {} {:.1f} % ({:.1f} to {:.1f})", title, 100 * one.value, 100 * one.low,
                          100 * one.high);
    }
    add(text, kSoft);
  }
  return out;
}

}  // namespace

image::Image comparison_sheet(const Comparison& comparison) {
  dataset::TextPen pen(13);
  const auto rows = shown_rows(comparison);
  const auto count = static_cast<int64_t>(rows.size());
  int64_t widest = kNarrowest;
  for (const TestSet& set : comparison.sets.sets) {
    widest = std::max(widest, 2 * set.layout.width);
  }
  const int64_t width =
      std::max<int64_t>(1, std::min(widest, (kWidth - kMargin) / count - kMargin));
  const int64_t block_width = count * (width + kMargin) - kMargin;
  const int64_t across = std::max<int64_t>(1, (kWidth - kMargin) / (block_width + kMargin));

  const std::vector<TextLine> head = head_lines(comparison, pen);
  int64_t height = 2 * kMargin + dataset::height_of(head, pen);
  image::Image losses;
  if (!comparison.losses.empty()) {
    losses = loss_picture(comparison.losses, kWidth - 2 * kMargin, kCurve);
    height += kCurve + kMargin;
  }
  const int64_t first = height;
  std::vector<std::vector<Block>> lines;
  std::vector<int64_t> heights;
  for (size_t begin = 0; begin < comparison.sets.sets.size();
       begin += static_cast<size_t>(across)) {
    std::vector<Block> blocks;
    int64_t tallest = 0;
    const size_t end = std::min(comparison.sets.sets.size(), begin + static_cast<size_t>(across));
    for (size_t i = begin; i < end; ++i) {
      Block block;
      const std::string caption = comparison.report["results"][i]["caption"];
      dataset::add_wrapped(block.lines, pen, caption, dataset::kInk, block_width);
      int64_t figures = 0;
      for (const Row* row : rows) {
        block.figures.push_back(figure_of(comparison, *row, i, width, pen));
        figures = std::max(figures, block.figures.back().height);
      }
      block.height = dataset::height_of(block.lines, pen) + kGap + figures;
      tallest = std::max(tallest, block.height);
      blocks.push_back(std::move(block));
    }
    if (!lines.empty() && height + tallest + kMargin > image::kMaximumSide) break;
    height += tallest + kMargin;
    heights.push_back(tallest);
    lines.push_back(std::move(blocks));
  }

  image::Image page = image::filled(kWidth, height, dataset::kPaper);
  const int64_t below = dataset::draw_lines(page, pen, head, kMargin, kMargin);
  if (losses.height > 0) image::put(page, losses, kMargin, below + kMargin);
  int64_t y = first;
  for (size_t line = 0; line < lines.size(); ++line) {
    int64_t x = kMargin;
    for (const Block& block : lines[line]) {
      const int64_t top = dataset::draw_lines(page, pen, block.lines, x, y) + kGap;
      int64_t left = x;
      for (const Figure& figure : block.figures) {
        image::put(page, figure.picture, left, top);
        dataset::draw_lines(page, pen, figure.lines, left, top + figure.picture.height + kGap);
        left += width + kMargin;
      }
      x += block_width + kMargin;
    }
    y += heights[line] + kMargin;
  }
  return page;
}

}  // namespace iclora::eval
