#pragma once
// The commands inside `iclora dataset`, one file each, and the options that they share.

#include <optional>
#include <string>
#include <vector>

#include "cli/usage.h"
#include "dataset/plan.h"

namespace iclora::cli {

/// How the sets are to be laid out: what stands under `data:` in a configuration.
struct LayoutWords {
  std::optional<std::string> grid, panel, fit, centre, gutter, dialect, trigger;
  std::vector<std::string> resolutions;
};
/// Declares --grid, --panel, --fit, --centre, --gutter, --dialect, --trigger and --resolution.
void add_layout_options(CLI::App& command, LayoutWords& words);
/// Errors (exit 2) name the option.
dataset::DataOptions layout_options(const LayoutWords& words);

void add_dataset_build(CLI::App& dataset, Context& context);
void add_dataset_caption(CLI::App& dataset, Context& context);
void add_dataset_check(CLI::App& dataset, Context& context);
void add_dataset_show(CLI::App& dataset, Context& context);

}  // namespace iclora::cli
