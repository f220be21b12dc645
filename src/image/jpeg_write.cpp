#include "image/jpeg_write.h"

// clang-format off
#include <cstddef>
#include <cstdio>
#include <jpeglib.h>
// clang-format on

#include <csetjmp>
#include <cstdlib>

#include "core/error.h"

namespace iclora::image {
namespace {

/// libjpeg's object and its error handler, grown by a place to jump to; it outlives the function
/// that libjpeg jumps out of.
struct Writer {
  jpeg_error_mgr manager{};  // first: libjpeg knows the writer by this address
  std::jmp_buf jump{};
  char message[JMSG_LENGTH_MAX] = "";
  jpeg_compress_struct info{};
  unsigned char* bytes = nullptr;  // libjpeg's, grown with malloc
  unsigned long size = 0;

  ~Writer() {
    jpeg_destroy_compress(&info);
    std::free(bytes);
  }
};

void on_error(j_common_ptr info) {
  auto* writer = reinterpret_cast<Writer*>(info->err);
  info->err->format_message(info, writer->message);
  std::longjmp(writer->jump, 1);
}

/// No object with a destructor lives in this function when libjpeg jumps back.
bool write_rows(Writer& writer, const Image& picture, int quality) {
  jpeg_compress_struct& info = writer.info;
  info.err = jpeg_std_error(&writer.manager);
  writer.manager.error_exit = on_error;
  if (setjmp(writer.jump) != 0) return false;
  jpeg_create_compress(&info);
  jpeg_mem_dest(&info, &writer.bytes, &writer.size);
  info.image_width = static_cast<JDIMENSION>(picture.width);
  info.image_height = static_cast<JDIMENSION>(picture.height);
  info.input_components = 3;
  info.in_color_space = JCS_RGB;
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, quality, TRUE);
  info.comp_info[0].h_samp_factor = 1;
  info.comp_info[0].v_samp_factor = 1;
  jpeg_start_compress(&info, TRUE);
  while (info.next_scanline < info.image_height) {
    // libjpeg does not write into the row; its interface is older than const.
    JSAMPROW row = const_cast<uint8_t*>(picture.row(info.next_scanline));
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  return true;
}

}  // namespace

std::string encode_jpeg(const Image& picture, int quality) {
  check_size(static_cast<uint64_t>(picture.width), static_cast<uint64_t>(picture.height),
             "the picture to encode");
  Writer writer;
  if (!write_rows(writer, picture, quality)) {
    fail(ErrorKind::internal, "a picture cannot be encoded as JPEG: {}", printable(writer.message));
  }
  return {reinterpret_cast<const char*>(writer.bytes), writer.size};
}

}  // namespace iclora::image
