#pragma once
// The options of `iclora generate` that concern given panels.

#include <optional>
#include <string>
#include <vector>

#include "core/json.h"
#include "panels/grid.h"

namespace iclora::cli {

struct GivenOptions {
  std::vector<std::string> given;  ///< N=IMAGE or N=CANVAS#K
  std::optional<std::string> condition, strength, given_timestep, given_sees, given_attention,
      given_as, given_fit;
  std::vector<std::string> redo;    ///< panels of the picture of --from
  std::vector<std::string> extend;  ///< captions of further panels
};

/// "2=cat.png" -> {"panel": 2, "image": "cat.png"}; "2=set.png#3", where there is no file of that
/// whole name, is panel 3 of the canvas set.png: "cut". Errors (exit 2), also where there is no
/// such file.
Json parse_given(const std::string& text);

/// Adds what was given to the request. `grid`: where the line states one. Errors (exit 2): a panel
/// named twice or outside of the grid, contradictions.
void add_given(const GivenOptions& options, const std::optional<panels::Grid>& grid, Json& request);

/// Adds "redo" or "extend" beside the request. `from`: whether the line has --from. Errors (exit
/// 2).
void add_revision(const GivenOptions& options, bool from, Json& call);

}  // namespace iclora::cli
