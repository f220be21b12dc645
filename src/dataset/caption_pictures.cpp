#include "dataset/caption_pictures.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <utility>

#include "dataset/picture.h"
#include "image/jpeg_write.h"
#include "image/resize.h"

namespace iclora::dataset {
namespace {

image::Image shrunk(const image::Image& picture, int64_t longest) {
  const double scale =
      static_cast<double>(longest) / static_cast<double>(std::max(picture.width, picture.height));
  const auto edge = [&](int64_t pixels) {
    return std::max<int64_t>(1, std::llround(static_cast<double>(pixels) * scale));
  };
  return image::resize(picture, edge(picture.width), edge(picture.height));
}

}  // namespace

captions::EncodedPicture encoded_jpeg(const image::Image& picture, int64_t longest) {
  const bool fits = std::max(picture.width, picture.height) <= longest;
  return {"image/jpeg", image::encode_jpeg(fits ? picture : shrunk(picture, longest))};
}

CaptionPictures caption_pictures(const Set& set, const panels::Layout& layout) {
  CaptionPictures pictures;
  std::vector<image::Image> fitted;
  image::Image whole;  // a glued canvas is decoded once
  std::filesystem::path decoded;
  for (size_t i = 0; i < set.panels.size(); ++i) {
    const PanelSource& panel = set.panels[i];
    if (decoded != panel.picture) {
      whole = read_unchanged(panel.picture, panel.sha256);
      decoded = panel.picture;
    }
    image::Image cut;
    if (panel.box) {
      cut = image::crop(whole, panel.box->x, panel.box->y, panel.box->width, panel.box->height);
    }
    const image::Image& picture = panel.box ? cut : whole;
    pictures.panels.push_back(encoded_jpeg(picture, kLongestPanelEdge));
    if (set.panels.size() == 1) continue;
    const panels::Box& box = layout.boxes.at(i);
    const Centre centre = panel.centre.value_or(Centre{});
    fitted.push_back(image::fit_cover(picture, box.width, box.height, centre.x, centre.y));
  }
  if (!fitted.empty())
    pictures.canvas.push_back({"image/jpeg", image::encode_jpeg(panels::compose(fitted, layout))});
  return pictures;
}

}  // namespace iclora::dataset
