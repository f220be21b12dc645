#include "eval/sheet.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "dataset/sheet_text.h"
#include "image/place.h"
#include "image/resize.h"

namespace iclora::eval {
namespace {

using dataset::TextLine;

constexpr int64_t kWidth = 1600;
constexpr int64_t kColumns = 5;
constexpr int64_t kMostEnlarged = 2;
constexpr int64_t kMargin = 20;
constexpr int64_t kGap = 6;
constexpr image::Rgb kRight = {24, 120, 60};
constexpr image::Rgb kWrong = {190, 30, 30};

struct Card {
  image::Image picture;
  std::vector<TextLine> lines;
  int64_t height = 0;
};

TextLine panel_line(const Expected& expected, const std::vector<Guess>& found,
                    const Classifier& classifier, size_t number, size_t count) {
  std::string text = count > 1 ? fmt::format("{}: ", number) : "";
  bool right = true;
  for (size_t i = 0; i < expected.size(); ++i) {
    const auto [column, wanted] = expected[i];
    const auto& classes = classifier.columns[column].classes;
    const std::string& name = classes[static_cast<size_t>(wanted)];
    // What is nearly always so would only fill the page.
    if (found[column].index == wanted &&
        (name == "none" || classifier.columns[column].name == "kind")) {
      continue;
    }
    if (!text.empty() && !text.ends_with(": ")) text += ", ";
    text += name;
    if (found[column].index != wanted) {
      right = false;
      text += " (read: " + classes[static_cast<size_t>(found[column].index)] + ")";
    }
  }
  return {text, right ? kRight : kWrong};
}

Card card_of(const ReadCanvas& canvas, const image::Image& picture, const Classifier& classifier,
             dataset::TextPen& pen, int64_t width) {
  Card card;
  card.picture = fitted_picture(picture, width);
  const HeldOutCaption& caption = *canvas.caption;
  dataset::add_wrapped(card.lines, pen, caption.caption, dataset::kInk, width);
  for (size_t i = 0; i < canvas.panels.size(); ++i) {
    const TextLine line =
        panel_line(caption.panels[i], canvas.panels[i], classifier, i + 1, canvas.panels.size());
    dataset::add_wrapped(card.lines, pen, line.text, line.colour, width);
  }
  card.height = card.picture.height + kGap + dataset::height_of(card.lines, pen);
  return card;
}

void draw_card(image::Image& page, const Card& card, int64_t x, int64_t y, dataset::TextPen& pen) {
  image::put(page, card.picture, x, y);
  dataset::draw_lines(page, pen, card.lines, x, y + card.picture.height + kGap);
}

}  // namespace

image::Image fitted_picture(const image::Image& picture, int64_t width) {
  const int64_t factor = std::min(kMostEnlarged, width / picture.width);
  if (factor < 1) {
    const int64_t height = std::max<int64_t>(1, picture.height * width / picture.width);
    return image::resize(picture, width, height);
  }
  image::Image out(picture.width * factor, picture.height * factor);
  for (int64_t y = 0; y < out.height; ++y) {
    const uint8_t* from = picture.row(y / factor);
    uint8_t* to = out.row(y);
    for (int64_t x = 0; x < out.width; ++x) std::copy_n(from + x / factor * 3, 3, to + x * 3);
  }
  return out;
}

image::Image contact_sheet(const std::vector<ReadCanvas>& canvases,
                           const std::vector<image::Image>& pictures,
                           const Classifier& classifier) {
  const int64_t width = (kWidth - kMargin) / kColumns - kMargin;
  dataset::TextPen pen(13);
  std::vector<std::vector<Card>> rows;
  std::vector<int64_t> heights;
  int64_t height = kMargin;
  for (size_t begin = 0; begin < canvases.size(); begin += kColumns) {
    std::vector<Card> row;
    int64_t tallest = 0;
    for (size_t i = begin; i < std::min<size_t>(begin + kColumns, canvases.size()); ++i) {
      row.push_back(card_of(canvases[i], pictures[i], classifier, pen, width));
      tallest = std::max(tallest, row.back().height);
    }
    if (!rows.empty() && height + tallest + kMargin > image::kMaximumSide) break;
    height += tallest + kMargin;
    heights.push_back(tallest);
    rows.push_back(std::move(row));
  }
  image::Image page = image::filled(kWidth, height, dataset::kPaper);
  int64_t y = kMargin;
  for (size_t row = 0; row < rows.size(); ++row) {
    int64_t x = kMargin;
    for (const Card& card : rows[row]) {
      draw_card(page, card, x, y, pen);
      x += width + kMargin;
    }
    y += heights[row] + kMargin;
  }
  return page;
}

}  // namespace iclora::eval
