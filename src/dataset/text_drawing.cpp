#include "dataset/text_drawing.h"

#include <ft2build.h>
#include FT_FREETYPE_H

#include <algorithm>
#include <map>

#include "core/error.h"
#include "dataset/font_data.h"
#include "tokenizers/unicode.h"

namespace iclora::dataset {
namespace {

/// A character's pixels, placed relative to the pen on the baseline.
struct Glyph {
  int64_t left = 0, top = 0, width = 0, height = 0, advance = 0;
  std::vector<uint8_t> coverage;  ///< [height, width], 255: covered
};

void check(FT_Error error, const char* what) {
  if (error != 0) fail(ErrorKind::internal, "FreeType: {} gave error {}.", what, error);
}

void blend(image::Image& picture, int64_t x, int64_t y, image::Rgb colour, uint32_t coverage) {
  if (x < 0 || y < 0 || x >= picture.width || y >= picture.height) return;
  uint8_t* pixel = picture.row(y) + x * 3;
  const uint8_t wanted[3] = {colour.r, colour.g, colour.b};
  for (int c = 0; c < 3; ++c) {
    pixel[c] =
        static_cast<uint8_t>((pixel[c] * (255 - coverage) + wanted[c] * coverage + 127) / 255);
  }
}

/// Composed where they can be; a byte that is not UTF-8 is U+FFFD.
std::vector<char32_t> characters(std::string_view text) {
  const std::string valid = tokenizers::encode_utf8(tokenizers::decode_utf8(text));
  return tokenizers::decode_utf8(tokenizers::nfc(valid));
}

}  // namespace

struct TextPen::Face {
  FT_Library library = nullptr;
  FT_Face face = nullptr;
  int pixels;
  int64_t ascent = 0, line = 0;
  std::map<char32_t, Glyph> glyphs;

  explicit Face(int size) : pixels(size) {
    check(FT_Init_FreeType(&library), "FT_Init_FreeType");
    const auto data = font_data();
    check(FT_New_Memory_Face(library, reinterpret_cast<const FT_Byte*>(data.data()),
                             static_cast<FT_Long>(data.size()), 0, &face),
          "FT_New_Memory_Face");
    check(FT_Set_Pixel_Sizes(face, 0, static_cast<FT_UInt>(size)), "FT_Set_Pixel_Sizes");
    ascent = (face->size->metrics.ascender + 63) >> 6;
    line = (face->size->metrics.height + 63) >> 6;
  }
  ~Face() { FT_Done_FreeType(library); }  // and its faces
  Face(const Face&) = delete;
  Face& operator=(const Face&) = delete;

  Glyph rendered(FT_UInt index) {
    check(FT_Load_Glyph(face, index, FT_LOAD_RENDER | FT_LOAD_TARGET_LIGHT), "FT_Load_Glyph");
    const FT_GlyphSlot slot = face->glyph;
    const FT_Bitmap& bitmap = slot->bitmap;
    Glyph glyph{slot->bitmap_left,
                slot->bitmap_top,
                bitmap.width,
                bitmap.rows,
                (slot->advance.x + 32) >> 6,
                {}};
    for (unsigned y = 0; y < bitmap.rows; ++y) {
      const uint8_t* row = bitmap.buffer + static_cast<ptrdiff_t>(y) * bitmap.pitch;
      glyph.coverage.insert(glyph.coverage.end(), row, row + bitmap.width);
    }
    return glyph;
  }

  void put(Glyph& onto, const Glyph& small, int64_t x, int64_t y) {
    for (int64_t row = 0; row < small.height; ++row) {
      for (int64_t column = 0; column < small.width; ++column) {
        const int64_t to_x = x + small.left + column, to_y = y - small.top + row;
        if (to_x < 0 || to_y < 0 || to_x >= onto.width || to_y >= onto.height) continue;
        uint8_t& to = onto.coverage[static_cast<size_t>(to_y * onto.width + to_x)];
        to = std::max(to, small.coverage[static_cast<size_t>(row * small.width + column)]);
      }
    }
  }

  /// A box with the code point inside, in two rows of digits.
  Glyph code_box(char32_t c) {
    const std::string digits = fmt::format("{:04X}", static_cast<uint32_t>(c));
    const size_t half = (digits.size() + 1) / 2;
    const int small = std::max(5, pixels * 2 / 5);
    check(FT_Set_Pixel_Sizes(face, 0, static_cast<FT_UInt>(small)), "FT_Set_Pixel_Sizes");
    std::vector<Glyph> shapes;
    for (const char digit : digits) {
      shapes.push_back(rendered(FT_Get_Char_Index(face, static_cast<FT_ULong>(digit))));
    }
    check(FT_Set_Pixel_Sizes(face, 0, static_cast<FT_UInt>(pixels)), "FT_Set_Pixel_Sizes");
    Glyph box;
    box.width = shapes[0].advance * static_cast<int64_t>(half) + 5;
    box.height = pixels;
    box.left = 1;
    box.top = box.height - pixels / 8;
    box.advance = box.width + 2;
    box.coverage.assign(static_cast<size_t>(box.width * box.height), 0);
    for (int64_t y = 0; y < box.height; ++y) {
      for (int64_t x = 0; x < box.width; ++x) {
        const bool edge = x == 0 || y == 0 || x + 1 == box.width || y + 1 == box.height;
        if (edge) box.coverage[static_cast<size_t>(y * box.width + x)] = 160;
      }
    }
    for (size_t i = 0; i < shapes.size(); ++i) {
      const size_t row = i / half;
      put(box, shapes[i], 3 + static_cast<int64_t>(i % half) * shapes[0].advance,
          (row == 0 ? box.height / 2 : box.height) - 2);
    }
    return box;
  }

  const Glyph& glyph(char32_t c) {
    const auto found = glyphs.find(c);
    if (found != glyphs.end()) return found->second;
    const FT_UInt index = FT_Get_Char_Index(face, c);
    return glyphs.emplace(c, index == 0 ? code_box(c) : rendered(index)).first->second;
  }
};

TextPen::TextPen(int pixels) : face_(std::make_unique<Face>(pixels)) {}
TextPen::~TextPen() = default;

int64_t TextPen::line_height() const {
  return face_->line;
}

int64_t TextPen::width_of(std::string_view text) {
  int64_t width = 0;
  for (const char32_t c : characters(text)) {
    width += face_->glyph(c).advance;
  }
  return width;
}

std::vector<std::string> TextPen::wrapped(std::string_view text, int64_t width) {
  std::vector<std::string> lines;
  std::string line;
  int64_t used = 0;
  const int64_t space = width_of(" ");
  const auto next_line = [&] {
    lines.push_back(line);
    line.clear();
    used = 0;
  };
  while (!text.empty()) {
    const size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const int64_t wide = width_of(word);
    if (!line.empty() && used + space + wide > width) next_line();
    if (wide <= width) {
      used += (line.empty() ? 0 : space) + wide;
      line += (line.empty() ? "" : " ") + std::string(word);
      continue;
    }
    for (const char32_t c : tokenizers::decode_utf8(word)) {
      const int64_t advance = face_->glyph(c).advance;
      if (!line.empty() && used + advance > width) next_line();
      tokenizers::append_utf8(line, c);
      used += advance;
    }
  }
  if (!line.empty()) next_line();
  return lines;
}

int64_t TextPen::draw(image::Image& picture, int64_t x, int64_t y, std::string_view text,
                      image::Rgb colour) {
  for (const char32_t c : characters(text)) {
    const Glyph& glyph = face_->glyph(c);
    for (int64_t row = 0; row < glyph.height; ++row) {
      for (int64_t column = 0; column < glyph.width; ++column) {
        const uint8_t coverage = glyph.coverage[static_cast<size_t>(row * glyph.width + column)];
        blend(picture, x + glyph.left + column, y + face_->ascent - glyph.top + row, colour,
              coverage);
      }
    }
    x += glyph.advance;
  }
  return x;
}

}  // namespace iclora::dataset
