#include <png.h>

#include <csetjmp>
#include <cstring>

#include "core/error.h"
#include "image/decoded.h"
#include "image/png_chunks.h"

namespace iclora::image {
namespace {

struct Header {
  uint32_t width, height;
  int depth, colour;
};

uint32_t big_endian(std::string_view bytes, size_t at) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

Header header_of(const std::vector<PngChunk>& chunks) {
  const std::string_view data = chunks.front().data;
  return {big_endian(data, 0), big_endian(data, 4), data[8], data[9]};
}

/// Between libpng's callbacks and us. Nothing with a destructor lives in the functions it jumps
/// over.
struct Reader {
  std::string_view bytes;
  char message[200] = "";
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

/// Decodes to 16-bit samples with `channels` values a pixel; false with a message on failure.
bool decode_rows(Reader& reader, uint32_t width, uint32_t height, bool grey, bool alpha,
                 std::vector<uint16_t>& out, std::vector<png_bytep>& rows) {
  png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &reader, on_error, on_warning);
  png_infop info = png != nullptr ? png_create_info_struct(png) : nullptr;
  if (info == nullptr) {
    png_destroy_read_struct(&png, nullptr, nullptr);
    std::strncpy(reader.message, "libpng cannot start", sizeof reader.message - 1);
    return false;
  }
  if (setjmp(png_jmpbuf(png)) != 0) {
    png_destroy_read_struct(&png, &info, nullptr);
    return false;
  }
  png_set_read_fn(png, &reader, read_bytes);
  png_set_user_limits(png, static_cast<png_uint_32>(kMaximumSide),
                      static_cast<png_uint_32>(kMaximumSide));
  // Texts and profiles are read by our own, limited code.
  png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, nullptr, 0);
  static const png_byte ignored[] = "iCCP\0tEXt\0zTXt\0iTXt\0";
  png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, ignored, 4);
  png_read_info(png, info);
  png_set_expand_16(png);
  if (!grey) png_set_gray_to_rgb(png);
  if (!alpha) png_set_strip_alpha(png);
  png_set_swap(png);  // to this processor's byte order
  png_set_interlace_handling(png);
  png_read_update_info(png, info);
  const size_t channels = png_get_channels(png, info);
  if (png_get_rowbytes(png, info) != width * channels * 2 ||
      out.size() != size_t{width} * height * channels) {
    png_error(png, "the picture's layout is not what its header says");
  }
  for (uint32_t y = 0; y < height; ++y) {
    rows[y] = reinterpret_cast<png_bytep>(out.data() + size_t{y} * width * channels);
  }
  png_read_image(png, rows.data());
  png_read_end(png, nullptr);
  png_destroy_read_struct(&png, &info, nullptr);
  return true;
}

}  // namespace

Decoded decode_png(std::string_view bytes, const std::string& origin) {
  const std::vector<PngChunk> chunks = png_chunks(bytes, origin);
  const Header header = header_of(chunks);
  check_size(header.width, header.height, origin);

  Decoded decoded;
  decoded.width = header.width;
  decoded.height = header.height;
  bool transparent = (header.colour & PNG_COLOR_MASK_ALPHA) != 0;
  for (const PngChunk& chunk : chunks) {
    if (chunk.type == "tRNS") transparent = true;
    if (chunk.type == "gAMA" && chunk.data.size() == 4)
      decoded.gamma = big_endian(chunk.data, 0) / 1e5;
    if (chunk.type == "eXIf") decoded.orientation = exif_orientation(chunk.data);
    if (chunk.type == "iCCP") {
      const size_t name = chunk.data.find('\0');
      if (name != std::string_view::npos && name + 2 <= chunk.data.size()) {
        decoded.icc =
            inflate_limited(chunk.data.substr(name + 2), 16 << 20, origin, "the colour profile");
      }
    }
  }
  for (const PngChunk& chunk : chunks) {
    if (chunk.type == "sRGB") decoded.gamma = 0;
  }

  const bool grey =
      header.colour == PNG_COLOR_TYPE_GRAY || header.colour == PNG_COLOR_TYPE_GRAY_ALPHA;
  const size_t colours = grey ? 1 : 3;
  const size_t channels = colours + (transparent ? 1 : 0);
  const size_t pixels = size_t{header.width} * header.height;
  std::vector<uint16_t> samples(pixels * channels);
  std::vector<png_bytep> rows(header.height);
  Reader reader{bytes, ""};
  if (!decode_rows(reader, header.width, header.height, grey, transparent, samples, rows)) {
    fail_input("{} cannot be decoded: {}.", origin, printable(reader.message));
  }
  decoded.channels = grey ? Channels::grey : Channels::rgb;
  if (!transparent) {
    decoded.samples = std::move(samples);
    return decoded;
  }
  decoded.samples.resize(pixels * colours);
  decoded.alpha.resize(pixels);
  for (size_t i = 0; i < pixels; ++i) {
    std::memcpy(&decoded.samples[i * colours], &samples[i * channels], 2 * colours);
    decoded.alpha[i] = samples[i * channels + colours];
  }
  return decoded;
}

Json describe_png(std::string_view bytes, const std::string& origin) {
  const std::vector<PngChunk> chunks = png_chunks(bytes, origin);
  const Header header = header_of(chunks);
  const char* const colours[] = {"grey",       "unknown", "rgb",      "palette",
                                 "grey+alpha", "unknown", "rgb+alpha"};
  return {
      {"format", "png"},
      {"width", header.width},
      {"height", header.height},
      {"bit_depth", header.depth},
      {"colour", header.colour >= 0 && header.colour <= 6 ? colours[header.colour] : "unknown"}};
}

}  // namespace iclora::image
