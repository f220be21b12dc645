#pragma once
// Given panels before anything is computed: their pictures read, fitted to the panels, and how
// sampling will keep to them settled.

#include <vector>

#include "lora/adapter_file.h"
#include "panels/layout.h"
#include "sampling/request.h"

namespace iclora::sampling {

/// A given panel as it will stand on the canvas.
struct GivenPanel {
  int64_t number = 0;    ///< from 1
  image::Image picture;  ///< of the panel's size
};

/// Reads the pictures and completes `request`: hashes, condition, timestep, strength and the like
/// (nothing where no panel is given). `clean` is the default where an adapter was trained with
/// given panels, at the timestep it was trained with; else `replace`. Errors (exit 2): a panel that
/// is not there, no panel left to generate, a picture that is gone or is not the one whose hash the
/// request states, settings that have no effect.
std::vector<GivenPanel> settle_given(Request& request, const panels::Layout& layout,
                                     const std::vector<lora::AdapterFile>& adapters);

}  // namespace iclora::sampling
