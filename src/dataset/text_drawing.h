#pragma once
// Text on pictures, for people: any Unicode text in one size of one font, from left to right.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "image/image.h"

namespace iclora::dataset {

/// A character that the font lacks is drawn as a box with its code point.
class TextPen {
 public:
  explicit TextPen(int pixels);  ///< height of an em
  ~TextPen();
  TextPen(const TextPen&) = delete;
  TextPen& operator=(const TextPen&) = delete;

  int64_t line_height() const;
  int64_t width_of(std::string_view text);
  /// Lines that are at most `width` wide, broken at spaces, and inside words that are wider.
  std::vector<std::string> wrapped(std::string_view text, int64_t width);
  /// One line whose top left corner is (x, y); what lies outside the picture is left out. Returns
  /// where the next character would begin.
  int64_t draw(image::Image& picture, int64_t x, int64_t y, std::string_view text,
               image::Rgb colour);

 private:
  struct Face;
  std::unique_ptr<Face> face_;
};

}  // namespace iclora::dataset
