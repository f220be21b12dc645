// Any bytes as a picture: either a picture or one sentence of kind `input`, and what was read can
// be written and read again. Also the texts, and the layout that a text may hold.

#include <cstdlib>

#include "core/error.h"
#include "core/json.h"
#include "image/png_chunks.h"
#include "image/png_write.h"
#include "image/read.h"
#include "panels/layout.h"

namespace {

using namespace iclora;

/// Runs `f`; whether it was content. Other errors than bad input end the fuzzer.
template <typename F>
bool accepts(const F& f) {
  try {
    f();
    return true;
  } catch (const Error& error) {
    const std::string message = error.what();
    if (error.kind() != ErrorKind::input || message.find('\n') != std::string::npos) std::abort();
    return false;
  }
}

void read_pixels(std::string_view bytes) {
  const Json told = image::describe_image(bytes, "picture");
  told.dump();
  // Larger pictures take their time, and nothing new.
  if (told["width"].get<int64_t>() * told["height"].get<int64_t>() > 1 << 16) return;
  const image::Image picture = image::decode_image(bytes, "picture", {1, 2, 3});
  if (image::decode_image(image::encode_png(picture), "again") != picture) std::abort();
}

void read_texts(std::string_view bytes) {
  const image::Texts texts = image::png_text_list(image::png_chunks(bytes, "picture"), "picture");
  image::Image dot(1, 1);
  const std::string again = image::encode_png(dot, texts);
  if (image::png_text_list(image::png_chunks(again, "again"), "again") != texts) std::abort();
  for (const auto& text : texts) {
    accepts([&] {
      const panels::Layout layout =
          panels::layout_from_json(parse_json(text.second, "text"), "text");
      if (panels::layout_from_json(panels::layout_to_json(layout), "again") != layout) std::abort();
    });
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  accepts([&] { read_pixels(bytes); });
  accepts([&] { read_texts(bytes); });
  return 0;
}
