#include "dataset/check.h"

#include <algorithm>
#include <map>
#include <memory>
#include <set>

#include "captions/lint.h"
#include "core/file.h"
#include "dataset/duplicates.h"
#include "dataset/parallel.h"
#include "dataset/read_sets.h"
#include "image/read.h"
#include "tokenizers/t5_tokenizer.h"

namespace iclora::dataset {
namespace {

namespace fs = std::filesystem;

/// "Set 'a': " where a file holds many sets.
std::string prefix_of(const Set& set) {
  return set.caption_file.ends_with(".jsonl") ? fmt::format("Set '{}': ", printable(set.id)) : "";
}

void add_faults(const Set& set, const std::vector<captions::Fault>& faults, Problems& problems) {
  for (const captions::Fault& fault : faults) {
    problems.push_back({set.caption_file, fault.severe ? Level::error : Level::warning,
                        prefix_of(set) + fault.what, fault.remedy});
  }
}

void check_length(const Set& set, const std::string& caption, const TokenLimit& tokens,
                  Problems& problems) {
  if (tokens.count) {
    add_faults(set, captions::lint_length(caption, tokens.limit, tokens.count), problems);
    return;
  }
  // English prose has about 1.3 tokens of T5 a word.
  constexpr double kTokensPerWord = 1.3;
  const auto words = static_cast<int64_t>(std::count(caption.begin(), caption.end(), ' ')) + 1;
  const bool surely = words + 1 > tokens.limit;  // the end mark is a token too
  if (!surely && kTokensPerWord * static_cast<double>(words) <= static_cast<double>(tokens.limit)) {
    return;
  }
  problems.push_back(
      {set.caption_file, surely ? Level::error : Level::warning,
       fmt::format("{}The caption has {} words, {} more than the {} tokens that the text encoder "
                   "reads; its end would be lost.",
                   prefix_of(set), words, surely ? "and so" : "and probably", tokens.limit),
       surely ? "Shorten it." : "Shorten it, or name the model to have its tokens counted."});
}

void check_captions(const std::vector<Set>& sets, const Plan& plan, const TokenLimit& tokens,
                    Problems& problems) {
  std::set<std::string> wrong;  // files whose captions could not be read as meant
  for (const Problem& problem : problems) {
    if (problem.level == Level::error) wrong.insert(problem.file);
  }
  for (const Set& set : sets) {
    if (set.caption_file.empty()) continue;  // told already
    // What an error left of a caption has no markers, and that is not its fault.
    if (!set.caption.panels.empty() || !wrong.contains(set.caption_file)) {
      add_faults(set, captions::lint_pieces(set.caption, set.panels.size()), problems);
    }
    add_faults(set, captions::lint_names(set.caption), problems);
  }
  std::map<size_t, const std::string*> rendered;  // by set, at the first resolution
  for (const Item& item : plan.training) rendered.emplace(item.set, &item.caption);
  std::map<std::string, const Set*> seen;
  for (const auto& [index, caption] : rendered) {
    const Set& set = sets[index];
    if (set.caption_file.empty() || caption->empty()) continue;
    check_length(set, *caption, tokens, problems);
    const auto [place, fresh] = seen.emplace(*caption, &set);
    if (fresh) continue;
    problems.push_back({set.caption_file, Level::warning,
                        fmt::format("Set '{}' has the same caption as set '{}'.", printable(set.id),
                                    printable(place->second->id)),
                        "Describe what is different."});
  }
}

/// The most frequent of the values that are not empty, and how often it stands.
std::pair<std::string, size_t> most_frequent(const std::vector<std::string>& values) {
  std::map<std::string, size_t> counts;
  std::pair<std::string, size_t> best;
  for (const std::string& value : values) {
    if (!value.empty() && ++counts[value] > best.second) best = {value, counts[value]};
  }
  return best;
}

/// The tag that a caption begins with, wherever it stands: apart, or in front of the overall text.
std::string tag_of(const captions::JointCaption& caption) {
  if (!caption.trigger.empty()) return caption.trigger;
  return captions::parse(caption.overall).caption.trigger;
}

void check_tasks(const std::vector<Set>& sets, const DataOptions& options, Problems& problems) {
  std::vector<std::string> tasks, tags;
  for (const Set& set : sets) {
    tasks.push_back(set.task);
    tags.push_back(tag_of(set.caption));
  }
  const std::string task = most_frequent(tasks).first;
  const auto [usual, count] = most_frequent(tags);
  const bool most = count * 2 > sets.size();
  for (size_t i = 0; i < sets.size(); ++i) {
    const Set& set = sets[i];
    if (!set.task.empty() && set.task != task) {
      problems.push_back({set.file, Level::error,
                          fmt::format("The set's task is '{}', but most sets are of '{}'.",
                                      printable(set.task), printable(task)),
                          "Train one LoRA a task: make a data set of each."});
    }
    // A trigger that is put before every caption settles the matter; where each caption begins with
    // a tag of its own, the tags are no triggers.
    if (!options.trigger.empty() || tags[i] == usual || count < 2) continue;
    if (set.caption_file.empty() || (tags[i].empty() && !most)) continue;
    problems.push_back(
        {set.caption_file, Level::warning,
         tags[i].empty()
             ? fmt::format("{}The caption does not begin with {} as most do.", prefix_of(set),
                           printable(usual))
             : fmt::format("{}The caption begins with {}, but {} begin with {}.", prefix_of(set),
                           printable(tags[i]), most ? "most" : "others", printable(usual)),
         "Use one trigger for a task, and one data set a task."});
  }
}

/// A dialect that was named and has markers for another number of panels is passed over.
void check_dialects(const std::vector<Set>& sets, const DataOptions& options, Problems& problems) {
  for (const Set& set : sets) {
    const bool named = set.dialect && !set.caption_file.ends_with(".txt");
    if (!named || options.dialect || set.panels.size() < 2) continue;
    try {
      static_cast<void>(captions::markers(*set.dialect, static_cast<int64_t>(set.panels.size())));
    } catch (const Error& error) {
      problems.push_back({set.caption_file, Level::warning, prefix_of(set) + error.what(),
                          "Name a dialect that fits, or leave it out."});
    }
  }
}

/// A canvas that cannot be cut is a set of one panel, which is rarely meant beside those that can.
void check_uncut_canvases(const std::vector<Set>& sets, Problems& problems) {
  const auto uncut = [](const Set& set) { return set.panels.size() == 1; };
  const auto count = static_cast<size_t>(std::count_if(sets.begin(), sets.end(), uncut));
  if (count * 2 >= sets.size()) return;
  for (const Set& set : sets) {
    if (!uncut(set) || set.caption_file.empty()) continue;
    problems.push_back({set.caption_file, Level::warning,
                        "The caption has no markers, so that its canvas is taken for a single "
                        "panel, but most canvases are cut into panels.",
                        "Begin each panel's part with its marker, or state the grid."});
  }
}

int64_t area(const panels::Size& size) {
  return size.width * size.height;
}

/// A small picture makes all panels of its set small, since none is enlarged.
void check_sizes(const std::vector<Set>& sets, const DataOptions& options, Problems& problems) {
  if (options.panel) return;  // the plan compares with that
  std::vector<int64_t> areas;
  for (const Set& set : sets) {
    for (const PanelSource& panel : set.panels) areas.push_back(area(panel.size));
  }
  if (areas.empty()) return;
  const auto middle = areas.begin() + static_cast<std::ptrdiff_t>(areas.size() / 2);
  std::nth_element(areas.begin(), middle, areas.end());
  for (const Set& set : sets) {
    int64_t largest = 0;
    for (const PanelSource& panel : set.panels) largest = std::max(largest, area(panel.size));
    for (size_t i = 0; i < set.panels.size(); ++i) {
      const PanelSource& panel = set.panels[i];
      // Less than half of the usual edge.
      const bool small = area(panel.size) * 4 < *middle || area(panel.size) * 4 < largest;
      if (!small || panel.size.width < panels::kToken || panel.size.height < panels::kToken) {
        continue;  // below a token it cannot be laid out, which the plan says
      }
      problems.push_back({panel.picture.native(), Level::warning,
                          fmt::format("The picture of panel {} is too small: {}x{} pixels, less "
                                      "than half the edges of the others.",
                                      i + 1, panel.size.width, panel.size.height),
                          "Use a larger picture: no panel of the set can be larger than this."});
    }
  }
}

/// Decodes every picture once; sets with one that cannot be decoded are taken out of `sets`.
std::vector<std::vector<Fingerprint>> look_at_pixels(std::vector<Set>& sets, Problems& problems) {
  struct Work {
    const PanelSource* source;
    std::vector<std::pair<const PanelSource*, Fingerprint*>> wanted;
    std::string failure;
  };
  std::vector<std::vector<Fingerprint>> prints;
  prints.reserve(sets.size());
  for (const Set& set : sets) prints.emplace_back(set.panels.size());
  std::map<fs::path, Work> by_file;
  for (size_t s = 0; s < sets.size(); ++s) {
    for (size_t p = 0; p < sets[s].panels.size(); ++p) {
      const PanelSource& panel = sets[s].panels[p];
      Work& work = by_file.try_emplace(panel.picture, Work{&panel, {}, ""}).first->second;
      work.wanted.emplace_back(&panel, &prints[s][p]);
    }
  }
  std::vector<Work*> list;
  list.reserve(by_file.size());
  for (auto& [path, work] : by_file) list.push_back(&work);
  for_each_parallel(list.size(), [&](size_t i) {
    Work& work = *list[i];
    try {
      const image::Image picture = image::read_image(work.source->picture);
      for (const auto& [panel, print] : work.wanted) {
        *print = fingerprint(picture,
                             panel->box.value_or(panels::Box{0, 0, picture.width, picture.height}));
      }
    } catch (const Error& error) {
      work.failure = error.what();
    }
  });
  for (const auto& [path, work] : by_file) {
    if (work.failure.empty()) continue;
    problems.push_back({path.native(), Level::error, work.failure,
                        "Replace it with a PNG, JPEG or WebP that opens."});
  }
  std::vector<Set> whole;
  std::vector<std::vector<Fingerprint>> kept;
  for (size_t s = 0; s < sets.size(); ++s) {
    const bool failed = std::any_of(
        sets[s].panels.begin(), sets[s].panels.end(),
        [&](const PanelSource& panel) { return !by_file.at(panel.picture).failure.empty(); });
    if (failed) continue;
    whole.push_back(sets[s]);
    kept.push_back(std::move(prints[s]));
  }
  sets = std::move(whole);
  return kept;
}

void check_blank(const std::vector<Set>& sets, const std::vector<std::vector<Fingerprint>>& prints,
                 Problems& problems) {
  for (size_t s = 0; s < sets.size(); ++s) {
    for (size_t p = 0; p < prints[s].size(); ++p) {
      if (prints[s][p].spread >= 0.5F) continue;
      problems.push_back(
          {sets[s].panels[p].picture.native(), Level::warning,
           fmt::format("Panel {} of set '{}' shows a single colour.", p + 1, printable(sets[s].id)),
           "Check that this is the picture that was meant."});
    }
  }
}

std::vector<std::pair<panels::Grid, size_t>> grids_of(const Plan& plan) {
  std::vector<std::pair<panels::Grid, size_t>> grids;
  std::vector<size_t> seen;
  for (const Item& item : plan.training) {
    if (std::find(seen.begin(), seen.end(), item.set) != seen.end()) continue;
    seen.push_back(item.set);
    const auto found = std::find_if(grids.begin(), grids.end(), [&](const auto& entry) {
      return entry.first == item.layout.grid;
    });
    if (found == grids.end()) {
      grids.emplace_back(item.layout.grid, 1);
    } else {
      ++found->second;
    }
  }
  std::stable_sort(grids.begin(), grids.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  return grids;
}

}  // namespace

TokenLimit token_limit_of_model(const fs::path& model) {
  const auto tokenizer = std::make_shared<tokenizers::T5Tokenizer>(
      tokenizers::T5Tokenizer::open(model / "tokenizer_2"));
  const fs::path config = model / "transformer" / "config.json";
  // Models without guidance embedding (FLUX.1-schnell) were trained on shorter texts.
  const bool guidance = json_bool_or(read_json(config), "guidance_embeds", config.native(), true);
  TokenLimit tokens;
  tokens.limit = std::min<int64_t>(tokenizer->model_max_length(), guidance ? 512 : 256);
  tokens.count = [tokenizer](std::string_view text) {
    return static_cast<int64_t>(tokenizer->encode(text).size());
  };
  return tokens;
}

Report check(const fs::path& path, const CheckOptions& options) {
  DataOptions data = options.data;
  data.validation = 0;
  Scan scan = scan_sets(path, {data.grid});
  Report report;
  report.sets = scan.found;
  report.problems = std::move(scan.problems);
  const Plan plan = plan_sets(scan.sets, data, report.problems);
  report.grids = grids_of(plan);
  check_captions(scan.sets, plan, options.tokens, report.problems);
  check_tasks(scan.sets, data, report.problems);
  check_dialects(scan.sets, data, report.problems);
  if (scan.form == Form::canvases) check_uncut_canvases(scan.sets, report.problems);
  check_sizes(scan.sets, data, report.problems);
  const auto prints = look_at_pixels(scan.sets, report.problems);
  check_blank(scan.sets, prints, report.problems);
  report_duplicates(scan.sets, prints, report.problems);
  sort_problems(report.problems);
  return report;
}

Json report_to_json(const Report& report) {
  Json json = {{"sets", report.sets}, {"grids", Json::array()}};
  for (const auto& [grid, sets] : report.grids) {
    json["grids"].push_back({{"grid", panels::to_string(grid)}, {"sets", sets}});
  }
  json["problems"] = problems_to_json(report.problems);
  return json;
}

}  // namespace iclora::dataset
