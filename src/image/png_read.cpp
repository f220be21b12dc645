#include <png.h>

#include <csetjmp>
#include <cstring>
#include <memory>

#include "core/error.h"
#include "image/png_chunks.h"
#include "image/source.h"

namespace iclora::image {
namespace {

struct Header {
  uint32_t width = 0, height = 0;
  int depth = 0, colour = 0, interlace = 0;
};

uint32_t big_endian(std::string_view bytes, size_t at) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

Header header_of(const std::vector<PngChunk>& chunks) {
  const std::string_view data = chunks.front().data;
  const auto byte = [&](size_t at) { return static_cast<unsigned char>(data[at]); };
  return {big_endian(data, 0), big_endian(data, 4), byte(8), byte(9), byte(12)};
}

const char* colour_name(int colour) {
  const char* const names[] = {"grey",       nullptr, "rgb",      "palette",
                               "grey+alpha", nullptr, "rgb+alpha"};
  return colour >= 0 && colour <= 6 ? names[colour] : nullptr;
}

void check_header(const Header& header, const std::string& origin) {
  check_size(header.width, header.height, origin);
  if (colour_name(header.colour) == nullptr) {
    fail_input("{} cannot be decoded: the PNG states colour type {}, which does not exist.", origin,
               header.colour);
  }
}

/// What goes between libpng's callbacks and us; it outlives the functions that libpng jumps out of.
struct Reader {
  std::string_view bytes;
  char message[200] = "";
  png_structp png = nullptr;
  png_infop info = nullptr;

  ~Reader() { png_destroy_read_struct(&png, &info, nullptr); }
};

void read_bytes(png_structp png, png_bytep out, size_t count) {
  auto* reader = static_cast<Reader*>(png_get_io_ptr(png));
  if (reader->bytes.size() < count) png_error(png, "the picture is truncated");
  std::memcpy(out, reader->bytes.data(), count);
  reader->bytes.remove_prefix(count);
}

void on_error(png_structp png, png_const_charp message) {
  auto* reader = static_cast<Reader*>(png_get_error_ptr(png));
  std::strncpy(reader->message, message, sizeof reader->message - 1);
  png_longjmp(png, 1);
}

void on_warning(png_structp, png_const_charp) {}

/// Reads up to the first row. No object with a destructor lives in this function, nor in the next
/// one, when libpng jumps back.
bool start(Reader& reader, const Source& source) {
  reader.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &reader, on_error, on_warning);
  reader.info = reader.png != nullptr ? png_create_info_struct(reader.png) : nullptr;
  if (reader.info == nullptr) {
    std::strncpy(reader.message, "libpng cannot start", sizeof reader.message - 1);
    return false;
  }
  png_structp png = reader.png;
  if (setjmp(png_jmpbuf(png)) != 0) return false;
  png_set_read_fn(png, &reader, read_bytes);
  png_set_user_limits(png, static_cast<png_uint_32>(kMaximumSide),
                      static_cast<png_uint_32>(kMaximumSide));
  // Texts, profiles and the like are read by our own, limited code.
  static const png_byte ignored[] = "iCCP\0tEXt\0zTXt\0iTXt\0eXIf\0sPLT";
  png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, nullptr, 0);
  png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, ignored, 6);
  png_read_info(png, reader.info);
  png_set_expand(png);
  if (source.depth == 16) png_set_swap(png);  // to this processor's byte order
  png_set_interlace_handling(png);
  png_read_update_info(png, reader.info);
  if (png_get_rowbytes(png, reader.info) != source.row_bytes()) {
    std::strncpy(reader.message, "its transparency does not fit its colour type",
                 sizeof reader.message - 1);
    return false;
  }
  return true;
}

/// `buffer` holds one row, or all of them when the picture is interlaced.
bool read_rows(Reader& reader, const Source& source, bool interlaced, uint8_t* buffer,
               SrgbRows& out) {
  if (setjmp(png_jmpbuf(reader.png)) != 0) return false;
  const size_t row_bytes = source.row_bytes();
  if (interlaced) {
    for (int pass = 0; pass < 7; ++pass) {
      for (int64_t y = 0; y < source.height; ++y) {
        png_read_row(reader.png, buffer + static_cast<size_t>(y) * row_bytes, nullptr);
      }
    }
    for (int64_t y = 0; y < source.height; ++y) {
      out.put(buffer + static_cast<size_t>(y) * row_bytes);
    }
  } else {
    for (int64_t y = 0; y < source.height; ++y) {
      png_read_row(reader.png, buffer, nullptr);
      out.put(buffer);
    }
  }
  png_read_end(reader.png, nullptr);
  return true;
}

/// gAMA and cHRM, unless sRGB says more.
Calibration calibration_of(const std::vector<PngChunk>& chunks) {
  Calibration calibration;
  for (const PngChunk& chunk : chunks) {
    if (chunk.type == "sRGB") return {};
    if (chunk.type == "gAMA" && chunk.data.size() == 4) {
      calibration.gamma = big_endian(chunk.data, 0) / 1e5;
    }
    if (chunk.type == "cHRM" && chunk.data.size() == 32) {
      for (size_t i = 0; i < 8; ++i) calibration.xy[i] = big_endian(chunk.data, 4 * i) / 1e5;
    }
    if (chunk.type == "IDAT") break;
  }
  return calibration;
}

Source source_of(const std::vector<PngChunk>& chunks, const std::string& origin) {
  const Header header = header_of(chunks);
  check_header(header, origin);
  Source source;
  source.width = header.width;
  source.height = header.height;
  source.depth = header.depth == 16 ? 16 : 8;
  source.channels = (header.colour & PNG_COLOR_MASK_COLOR) != 0 ? Channels::rgb : Channels::grey;
  source.alpha = (header.colour & PNG_COLOR_MASK_ALPHA) != 0;
  source.icc = png_profile(chunks, origin);
  if (source.icc.empty()) source.calibration = calibration_of(chunks);
  for (const PngChunk& chunk : chunks) {
    if (chunk.type == "tRNS") source.alpha = true;
    if (chunk.type == "eXIf") source.orientation = exif_orientation(chunk.data);
  }
  return source;
}

}  // namespace

Image decode_png(std::string_view bytes, const std::string& origin, Rgb background) {
  const std::vector<PngChunk> chunks = png_chunks(bytes, origin);
  check_text_sizes(chunks, origin);
  const Source source = source_of(chunks, origin);
  Reader reader;
  reader.bytes = bytes;
  if (!start(reader, source)) {
    fail_input("{} cannot be decoded: {}.", origin, printable(reader.message));
  }
  const bool interlaced = header_of(chunks).interlace != 0;
  const auto buffer = std::make_unique_for_overwrite<uint8_t[]>(
      source.row_bytes() * (interlaced ? static_cast<size_t>(source.height) : 1));
  SrgbRows rows(source, background);
  if (!read_rows(reader, source, interlaced, buffer.get(), rows)) {
    fail_input("{} cannot be decoded: {}.", origin, printable(reader.message));
  }
  return rows.take();
}

Json describe_png(std::string_view bytes, const std::string& origin) {
  const std::vector<PngChunk> chunks = png_chunks(bytes, origin);
  const Header header = header_of(chunks);
  const Source source = source_of(chunks, origin);
  Json json = {{"format", "png"},
               {"width", header.width},
               {"height", header.height},
               {"bit_depth", header.depth},
               {"colour", colour_name(header.colour)},
               {"interlaced", header.interlace != 0},
               {"orientation", source.orientation}};
  if (!source.icc.empty()) json["profile"] = profile_name(source.icc);
  return json;
}

}  // namespace iclora::image
