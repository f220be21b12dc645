#pragma once
// A set's pixels: its canvas and its panels, ready for the encoder.

#include <string>
#include <vector>

#include "dataset/plan.h"
#include "image/image.h"

namespace iclora::dataset {

struct PreparedSet {
  image::Image canvas;  ///< panels in their boxes; gutters are black
  /// Each panel alone, of its box's size: what conditional training encodes by itself.
  std::vector<image::Image> panels;
  panels::Layout layout;
  std::string caption;
  /// Row by row [H/8, W/8]: 1 where the loss counts (inside a panel), 0 in gutters.
  std::vector<uint8_t> loss_mask;
};

/// Reads and fits the pictures of one item. Errors (exit 2) name the file, also when it was changed
/// since the sets were read.
PreparedSet load_set(const Set& set, const Item& item, const Fit& fit);

/// What the canvas depends on: the pictures' bytes, boxes, centres, fit and layout; 64 hexadecimal
/// digits. Equal keys mean equal pixels.
std::string canvas_key(const Set& set, const Item& item, const Fit& fit);
/// The same of panel `number` (from 1) alone; where it lies on the canvas does not matter.
std::string panel_key(const Set& set, const Item& item, const Fit& fit, size_t number);

}  // namespace iclora::dataset
