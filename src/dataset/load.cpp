#include "dataset/load.h"

#include <numeric>

#include "core/hash.h"
#include "dataset/picture.h"
#include "image/resize.h"
#include "panels/masks.h"

namespace iclora::dataset {
namespace {

constexpr int64_t kLatent = 8;  // pixels a latent cell, FLUX.1's autoencoder

Centre centre_of(const PanelSource& panel, const Fit& fit) {
  return panel.centre.value_or(fit.centre);
}

image::Image fitted(const image::Image& picture, const panels::Box& box, const Fit& fit,
                    const Centre& centre) {
  if (fit.kind == Fit::Kind::contain) {
    return image::fit_contain(picture, box.width, box.height, {}, centre.x, centre.y);
  }
  return image::fit_cover(picture, box.width, box.height, centre.x, centre.y);
}

/// The leading "1" stands for how fitting is done: it changes when equal inputs give other pixels.
std::string panel_text(const PanelSource& panel, const panels::Box& box, const Fit& fit) {
  const Centre centre = centre_of(panel, fit);
  const panels::Box cut = panel.box.value_or(panels::Box{0, 0, 0, 0});
  return fmt::format("1 {} {},{},{},{} {} {:a},{:a} {}x{}", panel.sha256, cut.x, cut.y, cut.width,
                     cut.height, fit.kind == Fit::Kind::cover ? "cover" : "contain", centre.x,
                     centre.y, box.width, box.height);
}

}  // namespace

PreparedSet load_set(const Set& set, const Item& item, const Fit& fit) {
  PreparedSet prepared;
  prepared.layout = item.layout;
  prepared.caption = item.caption;
  image::Image canvas;  // a glued one is decoded once
  std::filesystem::path decoded;
  for (size_t i = 0; i < set.panels.size(); ++i) {
    const PanelSource& panel = set.panels[i];
    const panels::Box& box = item.layout.boxes.at(i);
    if (decoded != panel.picture) {
      canvas = read_unchanged(panel.picture, panel.sha256);
      decoded = panel.picture;
    }
    const Centre centre = centre_of(panel, fit);
    if (panel.box) {
      const panels::Box& cut = *panel.box;
      prepared.panels.push_back(
          fitted(image::crop(canvas, cut.x, cut.y, cut.width, cut.height), box, fit, centre));
    } else {
      prepared.panels.push_back(fitted(canvas, box, fit, centre));
    }
  }
  prepared.canvas = panels::compose(prepared.panels, item.layout);
  std::vector<int64_t> all(set.panels.size());
  std::iota(all.begin(), all.end(), 1);
  prepared.loss_mask = panels::panel_mask(item.layout, all, kLatent);
  return prepared;
}

std::string canvas_key(const Set& set, const Item& item, const Fit& fit) {
  std::string text = panels::layout_to_json(item.layout).dump();
  for (size_t i = 0; i < set.panels.size(); ++i) {
    text += "\n" + panel_text(set.panels[i], item.layout.boxes.at(i), fit);
  }
  return sha256(text);
}

std::string panel_key(const Set& set, const Item& item, const Fit& fit, size_t number) {
  return sha256(panel_text(set.panels.at(number - 1), item.layout.boxes.at(number - 1), fit));
}

}  // namespace iclora::dataset
