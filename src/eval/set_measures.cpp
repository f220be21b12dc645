#include "eval/set_measures.h"

#include <algorithm>
#include <limits>

#include "eval/seams.h"

namespace iclora::eval {
namespace {

bool is_given(const DrawnSet& drawn, size_t panel) {
  return std::any_of(drawn.given.begin(), drawn.given.end(),
                     [&](const auto& one) { return one.panel == static_cast<int64_t>(panel) + 1; });
}

int64_t read_of(const DrawnSet& drawn, size_t panel, size_t column) {
  return drawn.read[panel][column].index;
}

/// Whether a shared column is read as it must be.
bool is_consistent(const TestSet& set, const DrawnSet& drawn, size_t column) {
  const PanelLabels& first = set.labels[0];
  if (first.told[column] && read_of(drawn, 0, column) != *first.shows[column]) return false;
  for (size_t panel = 1; panel < drawn.read.size(); ++panel) {
    if (read_of(drawn, panel, column) != read_of(drawn, 0, column)) return false;
  }
  return true;
}

/// Whether all panels that must differ do.
bool is_different(const TestSets& sets, const TestSet& set, const DrawnSet& drawn, bool& asked) {
  asked = false;
  bool different = true;
  for (size_t i = 0; i < drawn.read.size(); ++i) {
    for (size_t k = i + 1; k < drawn.read.size(); ++k) {
      bool must = false, does = false;
      for (const size_t column : sets.varies) {
        const auto& one = set.labels[i].shows[column];
        const auto& other = set.labels[k].shows[column];
        if (!one || !other || *one == *other) continue;
        must = true;
        does = does || read_of(drawn, i, column) != read_of(drawn, k, column);
      }
      asked = asked || must;
      different = different && (does || !must);
    }
  }
  return different;
}

void measure_labels(const TestSets& sets, const TestSet& set, const DrawnSet& drawn,
                    const Classifier& classifier, Measures& out) {
  bool consistent = true;
  for (const size_t column : sets.shared) {
    const bool equal = is_consistent(set, drawn, column);
    out["consistency/" + classifier.columns[column].name].add(equal ? 1 : 0);
    consistent = consistent && equal;
  }
  if (!sets.shared.empty()) out["consistency"].add(consistent ? 1 : 0);
  for (size_t panel = 0; panel < drawn.read.size(); ++panel) {
    if (is_given(drawn, panel)) continue;
    bool any = false, all = true;
    for (size_t column = 0; column < classifier.columns.size(); ++column) {
      if (!set.labels[panel].told[column]) continue;
      const bool right = read_of(drawn, panel, column) == *set.labels[panel].shows[column];
      out["adherence/" + classifier.columns[column].name].add(right ? 1 : 0);
      any = true;
      all = all && right;
    }
    if (any) out["adherence"].add(all ? 1 : 0);
  }
  bool asked = false;
  const bool different = is_different(sets, set, drawn, asked);
  if (asked) out["different"].add(different ? 1 : 0);
  if (!sets.shared.empty()) out["success"].add(consistent && different ? 1 : 0);
}

/// Whether what was drawn is what the given panels show, by their labels: where those differ in a
/// column, any of them will do.
void measure_identity(const TestSets& sets, const TestSet& set, const DrawnSet& drawn,
                      const Classifier& classifier, Measures& out) {
  for (size_t panel = 0; panel < drawn.read.size(); ++panel) {
    if (is_given(drawn, panel)) continue;
    bool any = false, all = true;
    for (const size_t column : sets.shared) {
      bool shown = false, kept = false;
      for (const sampling::GivenResult& given : drawn.given) {
        const auto& theirs = set.labels[static_cast<size_t>(given.panel - 1)].shows[column];
        shown = shown || theirs.has_value();
        kept = kept || theirs == read_of(drawn, panel, column);
      }
      if (!shown) continue;
      out["identity/" + classifier.columns[column].name].add(kept ? 1 : 0);
      any = true;
      all = all && kept;
    }
    if (any) out["identity"].add(all ? 1 : 0);
  }
}

void measure_given(const DrawnSet& drawn, const SetLook& looks, Measures& out) {
  constexpr double kRange = 255;
  for (const sampling::GivenResult& given : drawn.given) {
    out["given_error"].add(given.decoded / kRange);
    out["given_seam"].add(given.seam / kRange);
    for (size_t panel = 0; panel < looks.size(); ++panel) {
      if (is_given(drawn, panel)) continue;
      out["like_given"].add(
          colours_shared(looks[panel], looks[static_cast<size_t>(given.panel - 1)]));
    }
  }
}

/// Mean difference from the nearest of these sets; none has as many panels: no observation.
void measure_training(const SetLook& looks, const std::vector<SetLook>& training, Measures& out) {
  double nearest = std::numeric_limits<double>::infinity();
  for (const SetLook& other : training) {
    if (other.size() != looks.size()) continue;
    double sum = 0;
    for (size_t i = 0; i < looks.size(); ++i) sum += apart(looks[i], other[i]);
    nearest = std::min(nearest, sum / static_cast<double>(looks.size()));
  }
  if (nearest <= 1) out["train_distance"].add(nearest);
}

void measure_pixels(const TestSet& set, const DrawnSet& drawn, const std::vector<SetLook>& training,
                    Measures& out) {
  SetLook looks;
  for (const image::Image& panel : drawn.panels) looks.push_back(look_of(panel));
  bool copies = false;
  for (size_t i = 0; i < looks.size(); ++i) {
    if (!is_given(drawn, i)) {
      out["like_real"].add(colours_shared(looks[i], look_of(set.panels[i])));
    }
    for (size_t k = i + 1; k < looks.size(); ++k) {
      const double distance = apart(looks[i], looks[k]);
      copies = copies || distance < kCopy;
      out["apart"].add(distance);
      out["colours_shared"].add(colours_shared(looks[i], looks[k]));
    }
  }
  measure_training(looks, training, out);
  measure_given(drawn, looks, out);
  if (looks.size() > 1) out["copies"].add(copies ? 1 : 0);
  const SeamEnergy energy = seam_energy(drawn.canvas, set.layout);
  if (energy.measured && energy.inside > 0) {
    out["seam"].add(energy.beside, energy.inside);
    out["seam_step"].add(energy.across, energy.inside);
  }
}

Observation observed(const Measures& measures, const std::string& name) {
  Observation out;
  if (!name.ends_with("/*")) {
    const auto found = measures.find(name);
    return found == measures.end() ? out : found->second;
  }
  const std::string columns = name.substr(0, name.size() - 1);
  for (auto one = measures.lower_bound(columns);
       one != measures.end() && one->first.starts_with(columns); ++one) {
    out.add(one->second);
  }
  return out;
}

/// Columns that this panel is judged by: shared, told, or what tells panels apart.
std::vector<size_t> columns_that_matter(const TestSets& sets, const PanelLabels& labels) {
  std::vector<size_t> out;
  for (size_t column = 0; column < labels.shows.size(); ++column) {
    const auto in = [&](const std::vector<size_t>& list) {
      return std::find(list.begin(), list.end(), column) != list.end();
    };
    if (labels.shows[column] && (labels.told[column] || in(sets.shared) || in(sets.varies))) {
      out.push_back(column);
    }
  }
  return out;
}

}  // namespace

std::vector<Observation> observations(const std::vector<Measures>& sets,
                                      const std::string& measure) {
  std::vector<Observation> out;
  out.reserve(sets.size());
  for (const Measures& one : sets) out.push_back(observed(one, measure));
  return out;
}

bool has_measure(const std::vector<Measures>& sets, const std::string& measure) {
  return std::any_of(sets.begin(), sets.end(),
                     [&](const Measures& one) { return observed(one, measure).weight > 0; });
}

std::vector<std::string> known_measures() {
  return {"consistency", "adherence",  "different",   "success",    "copies",
          "apart",       "like_real",  "seam",        "seam_step",  "colours_shared",
          "identity",    "like_given", "given_error", "given_seam", "train_distance"};
}

std::vector<std::string> measures_with_columns() {
  return {"consistency", "adherence", "identity"};
}

bool is_measure(const std::string& name) {
  const size_t slash = name.find('/');
  const std::string stem = name.substr(0, slash);
  const std::vector<std::string> known = known_measures();
  if (std::find(known.begin(), known.end(), stem) == known.end()) return false;
  if (slash == std::string::npos) return true;
  const std::vector<std::string> with_columns = measures_with_columns();
  return std::find(with_columns.begin(), with_columns.end(), stem) != with_columns.end() &&
         slash + 1 < name.size();
}

Measures measure_set(const TestSets& sets, const TestSet& set, const DrawnSet& drawn,
                     const Classifier* classifier, const std::vector<SetLook>& training) {
  Measures out;
  if (sets.labelled && classifier != nullptr) {
    measure_labels(sets, set, drawn, *classifier, out);
    measure_identity(sets, set, drawn, *classifier, out);
  }
  measure_pixels(set, drawn, training, out);
  return out;
}

Json reading_json(const TestSets& sets, const TestSet& set, const DrawnSet& drawn,
                  const Classifier& classifier) {
  Json out = Json::array();
  for (size_t panel = 0; panel < drawn.read.size(); ++panel) {
    Json read = Json::object();
    for (const size_t column : columns_that_matter(sets, set.labels[panel])) {
      const Column& about = classifier.columns[column];
      read[about.name] = about.classes[static_cast<size_t>(read_of(drawn, panel, column))];
    }
    out.push_back(read);
  }
  return out;
}

std::vector<PanelVerdict> verdicts(const TestSets& sets, const TestSet& set, const DrawnSet& drawn,
                                   const Classifier& classifier) {
  std::vector<PanelVerdict> out;
  for (size_t panel = 0; panel < drawn.read.size(); ++panel) {
    PanelVerdict verdict;
    for (const size_t column : columns_that_matter(sets, set.labels[panel])) {
      const Column& about = classifier.columns[column];
      const int64_t found = read_of(drawn, panel, column);
      const bool shared =
          std::find(sets.shared.begin(), sets.shared.end(), column) != sets.shared.end();
      const bool wrong =
          (set.labels[panel].told[column] && found != *set.labels[panel].shows[column]) ||
          (shared && found != read_of(drawn, 0, column));
      if (!verdict.text.empty()) verdict.text += ", ";
      verdict.text += about.classes[static_cast<size_t>(found)];
      if (wrong) verdict.text += " (!)";
      verdict.wrong = verdict.wrong || wrong;
    }
    out.push_back(verdict);
  }
  return out;
}

}  // namespace iclora::eval
