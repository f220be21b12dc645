#include "sampling/decode.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "core/error.h"
#include "vae/tiling.h"

namespace iclora::sampling {
namespace {

image::Image decode_one(const vae::Decoder& decoder, const at::Tensor& latents,
                        Progress& progress) {
  const at::Tensor pixels = vae::decode_tiled(
      decoder, vae::from_transformer_scale(decoder.config, latents), {}, progress);
  if (!at::isfinite(pixels).all().item<bool>()) {
    fail(ErrorKind::numerics,
         "The decoded picture is not made of finite numbers; try --dtype fp32.");
  }
  return to_image(pixels);
}

}  // namespace

image::Image decode_canvas(const vae::Decoder& decoder, const at::Tensor& latents,
                           const panels::Layout& layout, Method method, Progress& progress) {
  const std::vector<flux::LatentBox> sequences = panel_sequences(method, layout);
  if (sequences.empty()) return decode_one(decoder, latents, progress);
  std::vector<image::Image> panels;
  panels.reserve(sequences.size());
  for (const flux::LatentBox& box : sequences) {
    const at::Tensor panel =
        latents.slice(2, box.y, box.y + box.height).slice(3, box.x, box.x + box.width);
    panels.push_back(decode_one(decoder, panel.contiguous(), progress));
  }
  return panels::compose(panels, layout);
}

at::Tensor pixels_of(const image::Image& picture) {
  const at::Tensor bytes =
      at::from_blob(const_cast<uint8_t*>(picture.rgb.data()), {picture.height, picture.width, 3},
                    at::TensorOptions(at::kByte));
  return bytes.permute({2, 0, 1}).unsqueeze(0).to(at::kFloat).div_(127.5).sub_(1.0).contiguous();
}

image::Image to_image(const at::Tensor& pixels) {
  const at::Tensor bytes = (pixels / 2 + 0.5)
                               .clamp(0, 1)
                               .mul(255)
                               .round()  // half to even
                               .to(at::kByte)
                               .squeeze(0)
                               .permute({1, 2, 0})
                               .contiguous();
  image::Image picture(bytes.size(1), bytes.size(0));
  std::copy_n(bytes.data_ptr<uint8_t>(), picture.rgb.size(), picture.rgb.data());
  return picture;
}

}  // namespace iclora::sampling
