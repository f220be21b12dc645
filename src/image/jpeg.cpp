// clang-format off
#include <cstddef>
#include <cstdio>
#include <jpeglib.h>
#include <jerror.h>
// clang-format on

#include <csetjmp>
#include <cstring>

#include "core/error.h"
#include "image/source.h"

namespace iclora::image {
namespace {

constexpr int64_t kMostScans = 100;
/// Each scan of a progressive file goes over the whole picture: 32 scans of the largest.
constexpr int64_t kMostScannedPixels = 32 * kMaximumPixels;

/// libjpeg's object and its error handler, grown by a place to jump to; it outlives the functions
/// that libjpeg jumps out of.
struct Reader {
  jpeg_error_mgr manager{};  // first: libjpeg knows the reader by this address
  std::jmp_buf jump{};
  char message[JMSG_LENGTH_MAX] = "";
  jpeg_decompress_struct info{};

  ~Reader() { jpeg_destroy_decompress(&info); }
};

void on_error(j_common_ptr info) {
  auto* reader = reinterpret_cast<Reader*>(info->err);
  if (info->err->msg_code == JERR_NO_BACKING_STORE || info->err->msg_code == JERR_OUT_OF_MEMORY) {
    std::strcpy(reader->message,
                "it needs more memory than a picture may; save it not progressive");
  } else {
    info->err->format_message(info, reader->message);
  }
  std::longjmp(reader->jump, 1);
}

/// What libjpeg calls a warning is mostly a picture that it fills up with grey: an error here.
void on_message(j_common_ptr info, int level) {
  if (level >= 0) return;
  switch (info->err->msg_code) {
    case JWRN_EXTRANEOUS_DATA:  // these leave the pixels as they were meant
    case JWRN_JFIF_MAJOR:
    case JWRN_ADOBE_XFORM:
      return;
    default:
      on_error(info);
  }
}

bool read_header(Reader& reader, std::string_view bytes) {
  reader.info.err = jpeg_std_error(&reader.manager);
  reader.manager.error_exit = on_error;
  reader.manager.emit_message = on_message;
  if (setjmp(reader.jump) != 0) return false;
  jpeg_create_decompress(&reader.info);
  reader.info.mem->max_memory_to_use = 512L << 20;
  jpeg_mem_src(&reader.info, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  jpeg_read_header(&reader.info, TRUE);
  return true;
}

/// No object with a destructor lives in this function when libjpeg jumps back.
bool read_rows(Reader& reader, const Source& source, uint8_t* buffer, SrgbRows& out) {
  if (setjmp(reader.jump) != 0) return false;
  jpeg_decompress_struct& info = reader.info;
  info.out_color_space = source.channels == Channels::grey  ? JCS_GRAYSCALE
                         : source.channels == Channels::rgb ? JCS_RGB
                                                            : JCS_CMYK;
  jpeg_start_decompress(&info);
  while (info.output_scanline < info.output_height) {
    JSAMPROW row = buffer;
    jpeg_read_scanlines(&info, &row, 1);
    out.put(buffer);
  }
  jpeg_finish_decompress(&info);
  return true;
}

/// Walks the markers without libjpeg: EXIF (APP1), the profile (APP2, in numbered pieces) and how
/// many scans there are.
struct Markers {
  int64_t scans = 0;
  int orientation = 1;
  std::string icc;
};

Markers markers_of(std::string_view bytes) {
  Markers found;
  std::vector<std::string_view> pieces;
  const auto byte = [&](size_t at) { return static_cast<unsigned char>(bytes[at]); };
  size_t at = 2;
  while ((at = bytes.find('\xFF', at)) != std::string_view::npos && at + 1 < bytes.size()) {
    const unsigned marker = byte(at + 1);
    if (marker == 0xFF) {  // fill byte
      ++at;
      continue;
    }
    if (marker <= 0x01 || (marker >= 0xD0 && marker <= 0xD8)) {  // inside of a scan
      at += 2;
      continue;
    }
    if (marker == 0xD9 || at + 4 > bytes.size()) break;
    const size_t length = size_t{byte(at + 2)} << 8 | byte(at + 3);
    if (length < 2 || length > bytes.size() - at - 2) break;
    const std::string_view data = bytes.substr(at + 4, length - 2);
    const std::string_view exif("Exif\0\0", 6);
    const std::string_view icc("ICC_PROFILE\0", 12);
    if (marker == 0xDA) ++found.scans;
    if (marker == 0xE1 && data.starts_with(exif) && found.orientation == 1) {
      found.orientation = exif_orientation(data.substr(6));
    }
    if (marker == 0xE2 && data.starts_with(icc) && data.size() > 14 && data[12] != 0) {
      const size_t number = static_cast<unsigned char>(data[12]);
      pieces.resize(std::max(pieces.size(), number));
      pieces[number - 1] = data.substr(14);
    }
    at += 2 + length;
  }
  for (const std::string_view piece : pieces) found.icc += piece;
  return found;
}

Source source_of(const Reader& reader, const Markers& markers, const std::string& origin) {
  const jpeg_decompress_struct& info = reader.info;
  check_size(info.image_width, info.image_height, origin);
  if (info.num_components != 1 && info.num_components != 3 && info.num_components != 4) {
    fail_input("{} has {} colour components, expected 1, 3 or 4.", origin, info.num_components);
  }
  Source source;
  source.width = info.image_width;
  source.height = info.image_height;
  source.channels = info.num_components == 1   ? Channels::grey
                    : info.num_components == 3 ? Channels::rgb
                                               : Channels::cmyk;
  source.orientation = markers.orientation;
  source.icc = markers.icc;
  return source;
}

}  // namespace

Image decode_jpeg(std::string_view bytes, const std::string& origin, Rgb background) {
  Reader reader;
  if (!read_header(reader, bytes)) {
    fail_input("{} cannot be decoded: {}.", origin, printable(reader.message));
  }
  const Markers markers = markers_of(bytes);
  const Source source = source_of(reader, markers, origin);
  if (markers.scans > kMostScans ||
      markers.scans * source.width * source.height > kMostScannedPixels) {
    fail_input("{} cannot be decoded: its {} scans are more than a picture has; save it anew.",
               origin, markers.scans);
  }
  std::vector<uint8_t> buffer(source.row_bytes());
  SrgbRows rows(source, background);
  if (!read_rows(reader, source, buffer.data(), rows)) {
    fail_input("{} cannot be decoded: {}.", origin, printable(reader.message));
  }
  return rows.take();
}

Json describe_jpeg(std::string_view bytes, const std::string& origin) {
  Reader reader;
  if (!read_header(reader, bytes)) {
    fail_input("{} cannot be read: {}.", origin, printable(reader.message));
  }
  const Source source = source_of(reader, markers_of(bytes), origin);
  Json json = {{"format", "jpeg"},
               {"width", source.width},
               {"height", source.height},
               {"bit_depth", 8},
               {"colour", source.channels == Channels::grey   ? "grey"
                          : source.channels == Channels::cmyk ? "cmyk"
                                                              : "rgb"},
               {"progressive", reader.info.progressive_mode != FALSE},
               {"orientation", source.orientation}};
  if (!source.icc.empty()) json["profile"] = profile_name(source.icc);
  return json;
}

}  // namespace iclora::image
