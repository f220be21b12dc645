#pragma once
// How pages of pictures and text look: the colours that all of them share, and coloured lines.

#include "dataset/text_drawing.h"

namespace iclora::dataset {

inline constexpr image::Rgb kPaper = {250, 250, 248};
inline constexpr image::Rgb kInk = {34, 34, 38};

/// One line in one colour.
struct TextLine {
  std::string text;
  image::Rgb colour;
};

/// Appends `text`, broken so that no line is wider than `width` pixels.
void add_wrapped(std::vector<TextLine>& lines, TextPen& pen, const std::string& text,
                 image::Rgb colour, int64_t width);

/// Below one another from (x, y) on; returns where the next line would begin.
int64_t draw_lines(image::Image& page, TextPen& pen, const std::vector<TextLine>& lines, int64_t x,
                   int64_t y);

/// Pixels of so many lines.
int64_t height_of(const std::vector<TextLine>& lines, const TextPen& pen);

}  // namespace iclora::dataset
