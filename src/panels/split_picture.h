#pragma once
// A finished canvas cut back into its panels, on disk.
//
// What a picture says of itself stands in its iTXt `iclora`: a JSON object in which `layout` holds
// the layout of the canvas (layout_to_json). A panel that was cut out carries the same texts, and
// in its `iclora` also `split`: {"panel": 2, "of": 4, "box": [x, y, width, height]}.

#include <filesystem>
#include <optional>
#include <vector>

#include "core/json.h"
#include "image/png_write.h"
#include "panels/layout.h"

namespace iclora::panels {

/// The texts of panel `number` (from 1) of a canvas that carries `texts`: the same, with `split` in
/// its `iclora`. An `iclora` that is no JSON object stays as it is.
image::Texts panel_texts(const image::Texts& texts, const Layout& layout, size_t number);

/// Writes all pictures or none: only when each stands complete beside its final name do they get
/// their names. Makes the folder when it is not there; when that or a write fails, what was made is
/// removed again. Files of the same names are replaced.
struct NamedPicture {
  std::string name;
  image::Image picture;
  image::Texts texts;
};
std::vector<std::filesystem::path> write_pictures(const std::filesystem::path& folder,
                                                  const std::vector<NamedPicture>& pictures);

/// Writes 1.png, 2.png, ... into `out`. The layout is `grid` laid over the picture, else what the
/// picture's own `iclora` text says. Everything is read and checked before anything is written.
/// Returns the paths. Errors (exit 2, 6) are sentences.
std::vector<std::filesystem::path> split_picture(const std::filesystem::path& picture,
                                                 const std::optional<Grid>& grid,
                                                 const std::filesystem::path& out);

/// Panel `number` (from 1) of a canvas whose own `iclora` text says where its panels are: exact
/// pixels. `bytes`: of the file; `origin` is named in errors (exit 2).
image::Image cut_panel(std::string_view bytes, int64_t number, const std::string& origin);

/// What `inspect` says of a picture: format, width, height, bit_depth, colour, and where they apply
/// interlaced, progressive, lossy, orientation and profile; `texts`: {keyword: text}; `iclora`: its
/// own text as JSON, or as the string it is when it is no JSON. The pixels are not decoded.
Json inspect_picture(const std::filesystem::path& picture);

}  // namespace iclora::panels
