#pragma once
// Pieces of self-contained HTML pages.

#include <string>
#include <string_view>

namespace iclora::eval {

/// The style sheet of all pages: light and dark, tables, figures, plots (classes axis, bar, dot,
/// tick, right, wrong, wide, soft).
std::string_view page_style();

/// Text as text, not as markup.
std::string escaped(std::string_view text);

/// An <img> that holds the bytes of a PNG itself. `attributes` (width, height) stand in it as they
/// are.
std::string inlined_png(std::string_view png, std::string_view alt,
                        std::string_view attributes = "");

}  // namespace iclora::eval
