#include "eval/comparison_sheet.h"

#include <fmt/format.h>

#include <algorithm>

#include "dataset/text_drawing.h"
#include "eval/sheet.h"

namespace iclora::eval {
namespace {

constexpr int64_t kWidth = 1600;
constexpr int64_t kMargin = 20;
constexpr int64_t kGap = 6;
constexpr int64_t kCurve = 180;      // height of the loss curve
constexpr int64_t kNarrowest = 128;  // of a canvas with its text
constexpr image::Rgb kPaper = {250, 250, 248};
constexpr image::Rgb kInk = {34, 34, 38};
constexpr image::Rgb kSoft = {110, 110, 118};
constexpr image::Rgb kRight = {24, 120, 60};
constexpr image::Rgb kWrong = {190, 30, 30};

struct Line {
  std::string text;
  image::Rgb colour;
};

struct Figure {
  image::Image picture;
  std::vector<Line> lines;
  int64_t height = 0;
};

/// One set: its caption above, its figures side by side.
struct Block {
  std::vector<Line> lines;
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
    for (const std::string& line : pen.wrapped(text, width)) out.lines.push_back({line, colour});
  };
  add(row.name, kSoft);
  if (!drawn.read.empty()) {
    const auto all =
        verdicts(comparison.sets, comparison.sets.sets[index], drawn, *comparison.classifier);
    for (size_t panel = 0; panel < all.size(); ++panel) {
      add(fmt::format("{}: {}", panel + 1, all[panel].text), all[panel].wrong ? kWrong : kRight);
    }
  }
  out.height =
      out.picture.height + kGap + static_cast<int64_t>(out.lines.size()) * pen.line_height();
  return out;
}

std::vector<Line> head_lines(const Comparison& comparison, dataset::TextPen& pen) {
  std::vector<Line> out;
  const Json& report = comparison.report;
  const auto add = [&](const std::string& text, image::Rgb colour) {
    for (const std::string& line : pen.wrapped(text, kWidth - 2 * kMargin)) {
      out.push_back({line, colour});
    }
  };
  add(fmt::format("{}: {} held-out sets of {}",
                  comparison.sets.task.empty() ? "sets" : comparison.sets.task,
                  report["count"].get<size_t>(), report["grid"].get<std::string>()),
      kInk);
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

void put(image::Image& page, const image::Image& picture, int64_t x, int64_t y) {
  for (int64_t row = 0; row < picture.height; ++row) {
    std::copy_n(picture.row(row), picture.width * 3, page.row(y + row) + x * 3);
  }
}

int64_t draw_lines(image::Image& page, const std::vector<Line>& lines, int64_t x, int64_t y,
                   dataset::TextPen& pen) {
  for (const Line& line : lines) {
    pen.draw(page, x, y, line.text, line.colour);
    y += pen.line_height();
  }
  return y;
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

  const std::vector<Line> head = head_lines(comparison, pen);
  int64_t height = 2 * kMargin + static_cast<int64_t>(head.size()) * pen.line_height();
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
      for (const std::string& line : pen.wrapped(caption, block_width)) {
        block.lines.push_back({line, kInk});
      }
      int64_t figures = 0;
      for (const Row* row : rows) {
        block.figures.push_back(figure_of(comparison, *row, i, width, pen));
        figures = std::max(figures, block.figures.back().height);
      }
      block.height = static_cast<int64_t>(block.lines.size()) * pen.line_height() + kGap + figures;
      tallest = std::max(tallest, block.height);
      blocks.push_back(std::move(block));
    }
    if (!lines.empty() && height + tallest + kMargin > image::kMaximumSide) break;
    height += tallest + kMargin;
    heights.push_back(tallest);
    lines.push_back(std::move(blocks));
  }

  image::Image page(kWidth, height);
  for (size_t i = 0; i < page.rgb.size(); i += 3) {
    page.rgb[i] = kPaper.r;
    page.rgb[i + 1] = kPaper.g;
    page.rgb[i + 2] = kPaper.b;
  }
  const int64_t below = draw_lines(page, head, kMargin, kMargin, pen);
  if (losses.height > 0) put(page, losses, kMargin, below + kMargin);
  int64_t y = first;
  for (size_t line = 0; line < lines.size(); ++line) {
    int64_t x = kMargin;
    for (const Block& block : lines[line]) {
      const int64_t top = draw_lines(page, block.lines, x, y, pen) + kGap;
      int64_t left = x;
      for (const Figure& figure : block.figures) {
        put(page, figure.picture, left, top);
        draw_lines(page, figure.lines, left, top + figure.picture.height + kGap, pen);
        left += width + kMargin;
      }
      x += block_width + kMargin;
    }
    y += heights[line] + kMargin;
  }
  return page;
}

}  // namespace iclora::eval
