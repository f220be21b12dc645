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

captions::EncodedPicture encoded(const image::Image& picture) {
  return {"image/jpeg", image::encode_jpeg(picture)};
}

image::Image shrunk(const image::Image& picture) {
  const int64_t longest = std::max(picture.width, picture.height);
  if (longest <= kLongestPanelEdge) return picture;
  const double scale = static_cast<double>(kLongestPanelEdge) / static_cast<double>(longest);
  const auto edge = [&](int64_t pixels) {
    return std::max<int64_t>(1, std::llround(static_cast<double>(pixels) * scale));
  };
  return image::resize(picture, edge(picture.width), edge(picture.height));
}

}  // namespace

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
    pictures.panels.push_back(encoded(shrunk(picture)));
    if (set.panels.size() == 1) continue;
    const panels::Box& box = layout.boxes.at(i);
    const Centre centre = panel.centre.value_or(Centre{});
    fitted.push_back(image::fit_cover(picture, box.width, box.height, centre.x, centre.y));
  }
  if (!fitted.empty()) pictures.canvas.push_back(encoded(panels::compose(fitted, layout)));
  return pictures;
}

}  // namespace iclora::dataset
