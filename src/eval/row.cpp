#include "eval/row.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "eval/distance.h"
#include "eval/draw.h"
#include "panels/split_picture.h"

namespace iclora::eval {
namespace {

void read_panels(Row& row, const TestSets& sets, const Classifier& classifier) {
  std::vector<image::Image> all;
  for (const auto& repeats : row.sets) {
    for (const DrawnSet& drawn : repeats) {
      all.insert(all.end(), drawn.panels.begin(), drawn.panels.end());
    }
  }
  const ClassifierOutput output = classify(classifier, classifier_input(all));
  std::vector<std::vector<Guess>> read = guesses(classifier, output.logits);
  size_t next = 0;
  for (auto& repeats : row.sets) {
    for (DrawnSet& drawn : repeats) {
      drawn.read.assign(
          std::make_move_iterator(read.begin() + static_cast<int64_t>(next)),
          std::make_move_iterator(read.begin() + static_cast<int64_t>(next + drawn.panels.size())));
      next += drawn.panels.size();
    }
  }
  std::vector<image::Image> real;
  for (const TestSet& set : sets.sets) {
    real.insert(real.end(), set.panels.begin(), set.panels.end());
  }
  const at::Tensor theirs = classify(classifier, classifier_input(real)).features;
  row.feature_distance = (output.features.mean(0) - theirs.mean(0)).norm().item<double>();
  if (output.features.size(0) > 1 && theirs.size(0) > 1) {
    row.frechet = frechet_distance(moments_of(output.features), moments_of(theirs));
  }
}

DrawnSet real_set(const std::vector<image::Image>& panels, const panels::Layout& layout) {
  return {panels::compose(panels, layout), panels, {}};
}

}  // namespace

Row drawn_row(const TestSets& sets) {
  Row row;
  row.name = row.kind = "drawn";
  for (const TestSet& set : sets.sets) row.sets.push_back({real_set(set.panels, set.layout)});
  return row;
}

bool can_shuffle(const TestSets& sets) {
  return std::all_of(sets.sets.begin(), sets.sets.end(), [&](const TestSet& set) {
    return set.panels.size() <= sets.sets.size() && set.layout == sets.sets[0].layout;
  });
}

std::optional<Row> shuffled_row(const TestSets& sets) {
  if (!can_shuffle(sets)) return std::nullopt;
  Row row;
  row.name = row.kind = "shuffled";
  const size_t count = sets.sets.size();
  for (size_t i = 0; i < count; ++i) {
    const TestSet& set = sets.sets[i];
    std::vector<image::Image> panels;
    for (size_t p = 0; p < set.panels.size(); ++p) {
      panels.push_back(sets.sets[(i + p) % count].panels[p]);
    }
    row.sets.push_back({real_set(panels, set.layout)});
  }
  return row;
}

Row rebuilt_row(const TestSets& sets, const sampling::OpenModel& model, Progress& progress) {
  Row row;
  row.name = row.kind = "rebuilt";
  std::vector<image::Image> canvases;
  for (const TestSet& set : sets.sets) canvases.push_back(panels::compose(set.panels, set.layout));
  canvases = rebuild_canvases(model, canvases, progress);
  for (size_t i = 0; i < canvases.size(); ++i) {
    std::vector<image::Image> panels = panels::split(canvases[i], sets.sets[i].layout);
    row.sets.push_back({{std::move(canvases[i]), std::move(panels), {}}});
  }
  return row;
}

void measure_row(Row& row, const TestSets& sets, const Classifier* classifier,
                 const std::vector<SetLook>& training) {
  if (classifier != nullptr) read_panels(row, sets, *classifier);
  for (size_t i = 0; i < row.sets.size(); ++i) {
    row.measures.emplace_back();
    for (const DrawnSet& drawn : row.sets[i]) {
      for (const auto& [name, one] : measure_set(sets, sets.sets[i], drawn, classifier, training)) {
        row.measures.back()[name].add(one);
      }
    }
  }
}

std::set<std::string> measure_names(const Row& row) {
  std::set<std::string> names;
  for (const Measures& one : row.measures) {
    for (const auto& [name, observation] : one) names.insert(name);
  }
  return names;
}

Estimate estimate_of(const Row& row, const std::string& measure) {
  return mean_of(observations(row.measures, measure));
}

Estimate difference_of(const Row& row, const Row& base, const std::string& measure) {
  return difference_of(observations(row.measures, measure), observations(base.measures, measure));
}

}  // namespace iclora::eval
