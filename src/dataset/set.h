#pragma once
// A set as it was read: where its pictures are and what its caption says. Pixels are not here.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "captions/joint_caption.h"
#include "panels/layout.h"
#include "panels/solve.h"

namespace iclora::dataset {

/// Which part of a picture stays when it is cut to a shape, or where it lies when it is not:
/// (0, 0) is the top left corner, (0.5, 0.5) the middle.
struct Centre {
  double x = 0.5, y = 0.5;
  bool operator==(const Centre&) const = default;
};

/// What one panel is made of.
struct PanelSource {
  std::filesystem::path picture;
  std::optional<panels::Box> box;  ///< of a glued canvas: the panel's part of the upright picture
  panels::Size size;               ///< upright; of the box where there is one
  std::string sha256;              ///< of the picture file's bytes
  std::optional<Centre> centre;    ///< where the data set states one for this panel
};

struct Set {
  std::string id;    ///< unique in its data set
  std::string task;  ///< empty where none is stated
  std::string file;  ///< to name in messages: the folder, the manifest's line, the canvas
  std::vector<PanelSource> panels;
  /// As read. A text without markers has no parts: `caption.panels` is then empty.
  captions::JointCaption caption;
  std::string caption_file;
  std::optional<captions::Dialect> dialect;  ///< of the markers, or as the manifest names it

  // How its panels are to be laid out, where the set itself says so; at most one stands, the first
  // two from the manifest alone.
  std::optional<panels::Layout> boxes;  ///< free boxes
  std::optional<panels::Strip> strip;
  std::optional<panels::Grid> grid;  ///< from the manifest, else from the caption's markers
};

}  // namespace iclora::dataset
