#pragma once
// Which parts of a canvas belong to chosen panels: what conditioning on given panels needs.

#include <cstdint>
#include <vector>

#include "panels/layout.h"

namespace iclora::panels {

/// One value a cell of `cell` x `cell` pixels, row by row: 1 inside the panels `numbers` (from 1),
/// 0 elsewhere, gutters included. cell 1: pixels [H, W]; 8: latents [H/8, W/8]; 16: tokens [H/16,
/// W/16]. Errors (exit 2): a number that is no panel or stands twice, an edge of a chosen box or of
/// the canvas that cuts through a cell.
std::vector<uint8_t> panel_mask(const Layout& layout, const std::vector<int64_t>& numbers,
                                int64_t cell = 1);

}  // namespace iclora::panels
