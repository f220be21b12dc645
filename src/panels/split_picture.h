#pragma once
// A finished canvas cut back into its panels, on disk.

#include <filesystem>
#include <optional>
#include <vector>

#include "image/png_write.h"
#include "panels/layout.h"

namespace iclora::panels {

/// The texts of panel `number` (from 1) of a canvas that carries `texts`: the same, with the
/// panel's number and box in its `iclora` request. Texts without a request stay as they are.
image::Texts panel_texts(const image::Texts& texts, const Layout& layout, size_t number);

/// Writes 1.png, 2.png, ... into `out`. The layout is `grid` laid over the picture, else what the
/// picture's own `iclora` text says. Everything is read and checked before anything is written.
/// Returns the paths. Errors (exit 2, 6) are sentences.
std::vector<std::filesystem::path> split_picture(const std::filesystem::path& picture,
                                                 const std::optional<Grid>& grid,
                                                 const std::filesystem::path& out);

}  // namespace iclora::panels
