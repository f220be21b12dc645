#include "dataset/sheet_text.h"

namespace iclora::dataset {

void add_wrapped(std::vector<TextLine>& lines, TextPen& pen, const std::string& text,
                 image::Rgb colour, int64_t width) {
  for (const std::string& line : pen.wrapped(text, width)) lines.push_back({line, colour});
}

int64_t draw_lines(image::Image& page, TextPen& pen, const std::vector<TextLine>& lines, int64_t x,
                   int64_t y) {
  for (const TextLine& line : lines) {
    pen.draw(page, x, y, line.text, line.colour);
    y += pen.line_height();
  }
  return y;
}

int64_t height_of(const std::vector<TextLine>& lines, const TextPen& pen) {
  return static_cast<int64_t>(lines.size()) * pen.line_height();
}

}  // namespace iclora::dataset
