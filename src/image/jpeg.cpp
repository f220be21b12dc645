// clang-format off
#include <cstddef>
#include <cstdio>
#include <jpeglib.h>
// clang-format on

#include <csetjmp>
#include <cstring>

#include "core/error.h"
#include "image/decoded.h"

namespace iclora::image {
namespace {

constexpr int kMostScans = 500;

/// libjpeg's error handler, grown by a place to jump to. Nothing with a destructor lives in the
/// functions it jumps over.
struct Failure {
  jpeg_error_mgr manager;
  std::jmp_buf jump;
  char message[JMSG_LENGTH_MAX];
};

void on_error(j_common_ptr info) {
  auto* failure = reinterpret_cast<Failure*>(info->err);
  info->err->format_message(info, failure->message);
  std::longjmp(failure->jump, 1);
}

/// A truncated or damaged file is an error here; libjpeg alone would fill up with grey.
void on_message(j_common_ptr info, int level) {
  if (level < 0) on_error(info);
}

void on_progress(j_common_ptr info) {
  if (info->is_decompressor &&
      reinterpret_cast<j_decompress_ptr>(info)->input_scan_number > kMostScans) {
    auto* failure = reinterpret_cast<Failure*>(info->err);
    std::strcpy(failure->message, "more scans than any real picture");
    std::longjmp(failure->jump, 1);
  }
}

struct Header {
  uint32_t width = 0, height = 0;
  int components = 0;
  bool adobe = false;
};

/// Reads the header, and with `samples` sized by a first call the pixels too.
bool run(std::string_view bytes, Header& header, std::vector<uint8_t>* samples, Failure& failure) {
  jpeg_decompress_struct info{};
  jpeg_progress_mgr progress{};
  info.err = jpeg_std_error(&failure.manager);
  failure.manager.error_exit = on_error;
  failure.manager.emit_message = on_message;
  if (setjmp(failure.jump) != 0) {
    jpeg_destroy_decompress(&info);
    return false;
  }
  jpeg_create_decompress(&info);
  progress.progress_monitor = on_progress;
  info.progress = &progress;
  info.mem->max_memory_to_use = 512L << 20;
  jpeg_mem_src(&info, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  jpeg_read_header(&info, TRUE);
  header = {info.image_width, info.image_height, info.num_components,
            info.saw_Adobe_marker != FALSE};
  if (samples != nullptr) {
    info.out_color_space = info.num_components == 1   ? JCS_GRAYSCALE
                           : info.num_components == 4 ? JCS_CMYK
                                                      : JCS_RGB;
    jpeg_start_decompress(&info);
    const size_t row = size_t{info.output_width} * static_cast<size_t>(info.output_components);
    while (info.output_scanline < info.output_height) {
      JSAMPROW line = samples->data() + info.output_scanline * row;
      jpeg_read_scanlines(&info, &line, 1);
    }
    jpeg_finish_decompress(&info);
  }
  jpeg_destroy_decompress(&info);
  return true;
}

/// APP1 (EXIF) and APP2 (ICC, in numbered pieces), walked without libjpeg.
void read_markers(std::string_view bytes, Decoded& decoded) {
  std::vector<std::string> pieces;
  size_t at = 2;
  while (at + 4 <= bytes.size() && static_cast<unsigned char>(bytes[at]) == 0xFF) {
    const auto marker = static_cast<unsigned char>(bytes[at + 1]);
    if (marker == 0xFF) {  // fill byte
      ++at;
      continue;
    }
    if (marker == 0xDA || marker == 0xD9) break;
    const size_t length = static_cast<size_t>(static_cast<unsigned char>(bytes[at + 2])) << 8 |
                          static_cast<unsigned char>(bytes[at + 3]);
    if (length < 2 || length > bytes.size() - at - 2) break;
    const std::string_view data = bytes.substr(at + 4, length - 2);
    const std::string_view exif("Exif\0\0", 6);
    const std::string_view icc("ICC_PROFILE\0", 12);
    if (marker == 0xE1 && data.starts_with(exif))
      decoded.orientation = exif_orientation(data.substr(6));
    if (marker == 0xE2 && data.starts_with(icc) && data.size() > 14) {
      const auto number = static_cast<unsigned char>(data[12]);
      if (number >= 1) {
        pieces.resize(std::max<size_t>(pieces.size(), number));
        pieces[number - 1] = std::string(data.substr(14));
      }
    }
    at += 2 + length;
  }
  for (const std::string& piece : pieces) decoded.icc += piece;
}

void check_header(const Header& header, const std::string& origin) {
  check_size(header.width, header.height, origin);
  if (header.components != 1 && header.components != 3 && header.components != 4) {
    fail_input("{} has {} colour components, expected 1, 3 or 4.", origin, header.components);
  }
}

}  // namespace

Decoded decode_jpeg(std::string_view bytes, const std::string& origin) {
  Failure failure{};
  Header header;
  if (!run(bytes, header, nullptr, failure)) {
    fail_input("{} cannot be decoded: {}.", origin, printable(failure.message));
  }
  check_header(header, origin);
  const auto channels = static_cast<size_t>(header.components);
  std::vector<uint8_t> samples(size_t{header.width} * header.height * channels);
  if (!run(bytes, header, &samples, failure)) {
    fail_input("{} cannot be decoded: {}.", origin, printable(failure.message));
  }
  Decoded decoded;
  decoded.width = header.width;
  decoded.height = header.height;
  decoded.channels = channels == 1   ? Channels::grey
                     : channels == 3 ? Channels::rgb
                                     : Channels::cmyk;
  decoded.samples.resize(samples.size());
  // Adobe's programs write the amount of paper, not of ink.
  const bool inverted = channels == 4 && header.adobe;
  for (size_t i = 0; i < samples.size(); ++i) {
    decoded.samples[i] = static_cast<uint16_t>((inverted ? 255 - samples[i] : samples[i]) * 257);
  }
  read_markers(bytes, decoded);
  return decoded;
}

Json describe_jpeg(std::string_view bytes, const std::string& origin) {
  Failure failure{};
  Header header;
  if (!run(bytes, header, nullptr, failure)) {
    fail_input("{} cannot be read: {}.", origin, printable(failure.message));
  }
  return {{"format", "jpeg"},
          {"width", header.width},
          {"height", header.height},
          {"bit_depth", 8},
          {"colour", header.components == 1   ? "grey"
                     : header.components == 4 ? "cmyk"
                                              : "rgb"}};
}

}  // namespace iclora::image
