#include "sampling/method.h"

#include "core/error.h"
#include "lora/stated.h"

namespace iclora::sampling {
namespace {

constexpr int64_t kPixelsPerLatent = 8;

}  // namespace

Method method_from_name(std::string_view name, const std::string& origin) {
  if (name == "canvas") return Method::canvas;
  if (name == "gdt") return Method::gdt;
  fail_input("{}: the method is '{}', expected 'canvas' or 'gdt'.", printable(origin),
             printable(name));
}

std::string_view name_of(Method method) {
  return method == Method::gdt ? "gdt" : "canvas";
}

Method trained_method(const std::vector<lora::AdapterFile>& adapters) {
  for (const lora::AdapterFile& adapter : adapters) {
    const Json* method = lora::stated_training(adapter, "method");
    if (method == nullptr || !method->is_string()) continue;
    return method_from_name(method->get<std::string>(),
                            "'" + adapter.path.native() + "': training");
  }
  return Method::canvas;
}

std::vector<flux::LatentBox> panel_sequences(Method method, const panels::Layout& layout) {
  std::vector<flux::LatentBox> out;
  if (method == Method::canvas || layout.boxes.size() < 2) return out;
  out.reserve(layout.boxes.size());
  for (const panels::Box& box : layout.boxes) {
    out.push_back({box.x / kPixelsPerLatent, box.y / kPixelsPerLatent, box.width / kPixelsPerLatent,
                   box.height / kPixelsPerLatent});
  }
  return out;
}

std::vector<std::string> captions_of(Method method, const std::string& text, size_t panels) {
  if (method == Method::canvas || panels < 2) return {text};
  return captions::panel_captions(captions::parse(text).caption, panels);
}

}  // namespace iclora::sampling
