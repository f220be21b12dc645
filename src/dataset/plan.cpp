#include "dataset/plan.h"

#include <algorithm>
#include <numeric>

#include "core/hash.h"
#include "core/log.h"

namespace iclora::dataset {
namespace {

using captions::Dialect;

/// The grid that a dialect's words name; none for numbered markers.
std::optional<panels::Grid> grid_of(std::optional<Dialect> dialect) {
  if (!dialect) return std::nullopt;
  switch (*dialect) {
    case Dialect::sides:
      return panels::Grid{1, 2};
    case Dialect::halves:
      return panels::Grid{2, 1};
    case Dialect::corners:
      return panels::Grid{2, 2};
    default:
      return std::nullopt;
  }
}

std::vector<panels::Size> sizes_of(const Set& set) {
  std::vector<panels::Size> sizes;
  for (const PanelSource& panel : set.panels) sizes.push_back(panel.size);
  return sizes;
}

panels::Grid grid_for(const Set& set, const DataOptions& options) {
  const auto count = static_cast<int64_t>(set.panels.size());
  if (options.grid) return *options.grid;
  if (set.grid) return *set.grid;
  const auto named = grid_of(options.dialect ? options.dialect : set.dialect);
  if (named && named->count() == count) return *named;
  return {count, 1};
}

bool begins_with(std::string_view text, std::string_view trigger) {
  return text.starts_with(trigger) &&
         (text.size() == trigger.size() || text[trigger.size()] == ' ');
}

struct Loss {
  size_t panel = 0;
  double share = 0;  ///< of the picture's area
};

/// The panel of which most is cut.
Loss largest_loss(const Set& set, const panels::Layout& layout, const Fit& fit) {
  Loss largest;
  if (fit.kind != Fit::Kind::cover) return largest;
  for (size_t i = 0; i < set.panels.size(); ++i) {
    const panels::Size& from = set.panels[i].size;
    const panels::Box& to = layout.boxes[i];
    const double ratio =
        static_cast<double>(from.width * to.height) / static_cast<double>(from.height * to.width);
    const double share = 1 - std::min(ratio, 1 / ratio);
    if (share > largest.share) largest = {i, share};
  }
  return largest;
}

/// What is cut off must be known, but a hair a set is one fact, not a hundred.
class LossReport {
 public:
  void add(const Set& set, const Loss& loss) {
    constexpr double kNegligible = 0.05;
    if (loss.share == 0) return;
    if (loss.share >= kNegligible) {
      problems_.push_back({set.panels[loss.panel].picture.native(), Level::warning,
                           fmt::format("{:.0f} % of panel {} is cut off to fit its place.",
                                       100 * loss.share, loss.panel + 1),
                           "Crop it yourself, move its centre, or use fit: contain."});
      return;
    }
    ++small_;
    if (loss.share > share_) {
      share_ = loss.share;
      file_ = set.panels[loss.panel].picture.native();
    }
  }

  void tell(Problems& problems) const {
    problems.insert(problems.end(), problems_.begin(), problems_.end());
    if (small_ == 0) return;
    const std::string others =
        small_ == 1 ? "" : fmt::format(", and as much at most in {} other sets", small_ - 1);
    problems.push_back({file_, Level::warning,
                        fmt::format("{:.1f} % is cut off here{}, to fit panels whose edges are "
                                    "multiples of {}.",
                                    100 * share_, others, panels::kToken),
                        "Nothing needs to be done, or use fit: contain."});
  }

 private:
  Problems problems_;
  size_t small_ = 0;
  double share_ = 0;
  std::string file_;
};

void report_enlarged(const Set& set, const panels::Layout& layout, const Fit& fit,
                     Problems& problems) {
  for (size_t i = 0; i < set.panels.size(); ++i) {
    const panels::Size& from = set.panels[i].size;
    const double x = static_cast<double>(layout.boxes[i].width) / static_cast<double>(from.width);
    const double y = static_cast<double>(layout.boxes[i].height) / static_cast<double>(from.height);
    const double scale = fit.kind == Fit::Kind::cover ? std::max(x, y) : std::min(x, y);
    if (scale <= 1) continue;
    problems.push_back(
        {set.panels[i].picture.native(), Level::warning,
         fmt::format("The picture of panel {} is too small: its {}x{} pixels are enlarged {:.2f} "
                     "times.",
                     i + 1, from.width, from.height, scale),
         fmt::format("Use a picture of at least {}x{}, or a smaller panel.", layout.boxes[i].width,
                     layout.boxes[i].height)});
  }
}

void report_grid(const Set& set, const DataOptions& options, Problems& problems) {
  if (!options.grid) return;
  const auto named = set.boxes || set.strip ? std::optional<panels::Grid>() : set.grid;
  const bool numbered = set.dialect && !grid_of(set.dialect) &&
                        !set.caption_file.ends_with("json") &&
                        !set.caption_file.ends_with(".jsonl");
  if (!named || numbered || *named == *options.grid) return;
  problems.push_back(
      {set.caption_file, Level::warning,
       fmt::format("Set '{}' says {}, but the grid is stated as {}, which wins.", printable(set.id),
                   panels::to_string(*named), panels::to_string(*options.grid)),
       "Leave the grid at auto if the set is right."});
}

void check_options(const DataOptions& options) {
  if (options.grid) panels::check_grid(*options.grid);
  if (options.panel) {
    panels::check_token_multiple(options.panel->width, options.panel->height, "The panel");
  }
  panels::check_gutter(options.gutter, "The gutter");
  if (options.validation < 0) fail_input("validation must be 0 or more.");
  for (const int64_t resolution : options.resolutions) {
    if (resolution < panels::kToken || resolution > panels::kLargestCanvas) {
      fail_input("A resolution must be from {} to {}, but there is {}.", panels::kToken,
                 panels::kLargestCanvas, resolution);
    }
  }
}

std::vector<Bucket> buckets_of(const std::vector<Item>& items) {
  std::vector<Bucket> buckets;
  for (size_t i = 0; i < items.size(); ++i) {
    const auto same = std::find_if(buckets.begin(), buckets.end(), [&](const Bucket& bucket) {
      return bucket.layout == items[i].layout;
    });
    if (same != buckets.end()) {
      same->items.push_back(i);
    } else {
      buckets.push_back({items[i].layout, {i}});
    }
  }
  return buckets;
}

}  // namespace

Dialect dialect_of(const Set& set, const panels::Grid& grid, const DataOptions& options) {
  if (options.dialect) return *options.dialect;
  if (set.dialect) {
    const auto named = grid_of(set.dialect);
    if (!named || *named == grid) return *set.dialect;
  }
  return captions::default_dialect({grid.rows, grid.columns});
}

Set told_without(const Set& set, const std::vector<int64_t>& numbers) {
  Set out = set;
  for (const int64_t number : numbers) {
    const auto place = static_cast<size_t>(number - 1);
    if (place < out.caption.panels.size()) out.caption.panels[place].clear();
  }
  return out;
}

std::string joint_caption(const Set& set, const panels::Grid& grid, const DataOptions& options) {
  const Dialect dialect = dialect_of(set, grid, options);
  std::string text = captions::render(set.caption, dialect);
  if (options.trigger.empty() || begins_with(text, options.trigger)) return text;
  captions::JointCaption caption = set.caption;
  caption.trigger = options.trigger + " " + caption.trigger;
  return captions::render(caption, dialect);
}

std::vector<std::string> panel_captions(const Set& set, size_t panels, const DataOptions& options) {
  std::vector<std::string> out;
  try {
    out = captions::panel_captions(set.caption, panels);
  } catch (const Error& error) {
    fail_input("Set '{}': {}", printable(set.id), error.what());
  }
  for (std::string& text : out) {
    if (options.trigger.empty() || begins_with(text, options.trigger)) continue;
    text.insert(0, options.trigger + " ");
    text = captions::squeeze(text);
  }
  return out;
}

panels::Layout layout_of(const Set& set, const DataOptions& options,
                         std::optional<int64_t> resolution) {
  const std::vector<panels::Size> sizes = sizes_of(set);
  if (!options.grid && set.boxes) {
    if (set.boxes->boxes.size() != sizes.size()) {
      fail_input("There are {} boxes for {} panels.", set.boxes->boxes.size(), sizes.size());
    }
    return panels::solve_boxes(*set.boxes, resolution);
  }
  if (!options.grid && set.strip && !options.panel) {
    return panels::solve_strip(*set.strip, sizes, options.gutter, resolution);
  }
  panels::Grid grid = grid_for(set, options);
  if (!options.grid && set.strip == panels::Strip::row) {
    grid = {1, static_cast<int64_t>(sizes.size())};
  }
  if (grid.count() != static_cast<int64_t>(sizes.size())) {
    fail_input("The grid {} has {} panels, but the set has {}.", panels::to_string(grid),
               grid.count(), sizes.size());
  }
  return panels::solve_grid(grid, options.panel.value_or(panels::common_size(sizes)),
                            options.gutter, resolution);
}

std::vector<size_t> held_out_sets(const std::vector<Set>& sets, int64_t count) {
  if (count == 0) return {};
  if (count < 0 || count >= static_cast<int64_t>(sets.size())) {
    fail_input("{} sets cannot be held out for validation of {}; at least one is to train on.",
               count, sets.size());
  }
  std::vector<std::string> keys;
  keys.reserve(sets.size());
  for (const Set& set : sets) keys.push_back(sha256("validation " + set.id));
  std::vector<size_t> order(sets.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return keys[a] < keys[b]; });
  order.resize(static_cast<size_t>(count));
  std::sort(order.begin(), order.end());
  return order;
}

Plan plan_sets(const std::vector<Set>& sets, const DataOptions& options, Problems& problems) {
  check_options(options);
  const std::vector<size_t> held_out = held_out_sets(sets, options.validation);
  std::vector<std::optional<int64_t>> resolutions(options.resolutions.begin(),
                                                  options.resolutions.end());
  if (resolutions.empty()) resolutions.emplace_back();
  Plan plan;
  std::vector<Loss> losses(sets.size());
  std::vector<bool> failed(sets.size());
  for (const auto& resolution : resolutions) {
    for (size_t i = 0; i < sets.size(); ++i) {
      if (failed[i]) continue;
      try {
        Item item{i, layout_of(sets[i], options, resolution), ""};
        item.caption = joint_caption(sets[i], item.layout.grid, options);
        const Loss loss = largest_loss(sets[i], item.layout, options.fit);
        if (loss.share > losses[i].share) losses[i] = loss;
        if (resolution == resolutions[0]) {
          report_grid(sets[i], options, problems);
          report_enlarged(sets[i], item.layout, options.fit, problems);
        }
        const bool out = std::binary_search(held_out.begin(), held_out.end(), i);
        (out ? plan.validation : plan.training).push_back(std::move(item));
      } catch (const Error& error) {
        failed[i] = true;
        problems.push_back({sets[i].file, Level::error, error.what(),
                            "Change the set, or grid, panel, dialect and resolutions."});
      }
    }
  }
  LossReport report;
  for (size_t i = 0; i < sets.size(); ++i) report.add(sets[i], losses[i]);
  report.tell(problems);
  plan.buckets = buckets_of(plan.training);
  return plan;
}

Plan plan_sets(const std::vector<Set>& sets, const DataOptions& options, const std::string& path) {
  Problems problems;
  Plan plan = plan_sets(sets, options, problems);
  throw_errors(problems, path);
  for (const Problem& problem : problems) log::warning("{}", line_of(problem));
  return plan;
}

}  // namespace iclora::dataset
