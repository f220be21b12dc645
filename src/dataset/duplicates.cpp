#include "dataset/duplicates.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

namespace iclora::dataset {
namespace {

constexpr double kCopy = 0.1;  // between sets: also slightly cropped or graded
// Panels of a set are meant to be alike: the same scene in another light is 0.15 and more away, a
// copy of half or a third the size, compressed hard, 0.08 at most.
constexpr double kCopyInSet = 0.08;
constexpr float kLeastContrast = 8;  // what is nearly flat is measured as if it had this much
constexpr float kMostContrastRatio = 1.4F;
constexpr float kMostColourShift = 30;  // a night is not a copy of a day

float unit_of(const Fingerprint& print) {
  return std::max(kLeastContrast, print.spread);
}

float colour_shift(const Fingerprint& a, const Fingerprint& b) {
  float shift = 0;
  for (size_t k = 0; k < 3; ++k) shift = std::max(shift, std::abs(a.mean[k] - b.mean[k]));
  return shift;
}

/// A panel in the whole data set.
struct Place {
  size_t set = 0;
  size_t panel = 0;
};

struct Match {
  Place with;
  double distance = 0;
  bool same_file = false;
};

bool same_source(const PanelSource& a, const PanelSource& b) {
  return a.sha256 == b.sha256 && a.box == b.box;
}

std::optional<Match> match(const PanelSource& a, const PanelSource& b, const Fingerprint& x,
                           const Fingerprint& y, double threshold, const Place& with) {
  if (same_source(a, b)) return Match{with, 0, true};
  if (colour_shift(x, y) > kMostColourShift) return std::nullopt;
  const float ratio = unit_of(x) / unit_of(y);
  if (std::max(ratio, 1 / ratio) > kMostContrastRatio) return std::nullopt;
  // Averages are never farther apart than what they are made of.
  float sum = 0;
  for (size_t i = 0; i < x.coarse.size(); ++i) {
    const float difference = x.coarse[i] - y.coarse[i];
    sum += difference * difference;
  }
  const auto limit = static_cast<float>(threshold);
  if (sum > limit * limit * static_cast<float>(x.coarse.size())) return std::nullopt;
  const double apart = distance(x, y);
  if (apart > threshold) return std::nullopt;
  return Match{with, apart, false};
}

std::string words(const Match& found) {
  return found.same_file || found.distance == 0 ? "the same" : "nearly the same";
}

void report_within(const Set& set, const std::vector<Fingerprint>& prints, Problems& problems) {
  for (size_t i = 0; i < set.panels.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      const auto found =
          match(set.panels[j], set.panels[i], prints[j], prints[i], kCopyInSet, {0, j});
      if (!found) continue;
      const bool exact = found->same_file || found->distance == 0;
      problems.push_back({set.panels[i].picture.native(), exact ? Level::error : Level::warning,
                          fmt::format("Panel {} of set '{}' is {} picture as panel {}.", i + 1,
                                      printable(set.id), words(*found), j + 1),
                          "Put the right picture there, or drop one of the panels."});
      break;
    }
  }
}

/// For each panel of one set the earlier panel that it copies, if any.
class Copies {
 public:
  Copies(const std::vector<Set>& sets, const std::vector<std::vector<Fingerprint>>& prints)
      : sets_(sets), prints_(prints) {}

  void report(size_t current, Problems& problems) {
    const Set& set = sets_[current];
    std::vector<std::optional<Match>> found(set.panels.size());
    std::map<size_t, size_t> shared;  // earlier set: how many panels
    std::map<size_t, double> farthest;
    for (size_t panel = 0; panel < set.panels.size(); ++panel) {
      for (size_t earlier = 0; earlier < current; ++earlier) {
        const auto best = nearest_in(earlier, current, panel);
        if (!best) continue;
        ++shared[earlier];
        farthest[earlier] = std::max(farthest[earlier], best->same_file ? 0 : best->distance);
        if (!found[panel]) found[panel] = best;
      }
    }
    for (const auto& [earlier, count] : shared) {
      if (count != set.panels.size() || count != sets_[earlier].panels.size()) continue;
      const bool exact = farthest[earlier] == 0;
      problems.push_back(
          {set.file, exact ? Level::error : Level::warning,
           fmt::format("The set has {} pictures as set '{}'.",
                       exact ? "the same" : "nearly the same", printable(sets_[earlier].id)),
           "Keep one of the two sets."});
      return;
    }
    for (size_t panel = 0; panel < found.size(); ++panel) {
      if (!found[panel]) continue;
      const Place& with = found[panel]->with;
      problems.push_back({set.panels[panel].picture.native(), Level::warning,
                          fmt::format("Panel {} of set '{}' is {} picture as panel {} of set '{}'.",
                                      panel + 1, printable(set.id), words(*found[panel]),
                                      with.panel + 1, printable(sets_[with.set].id)),
                          "Check that the picture belongs to both sets."});
    }
  }

 private:
  std::optional<Match> nearest_in(size_t earlier, size_t current, size_t panel) const {
    for (size_t other = 0; other < sets_[earlier].panels.size(); ++other) {
      const auto found =
          match(sets_[earlier].panels[other], sets_[current].panels[panel], prints_[earlier][other],
                prints_[current][panel], kCopy, {earlier, other});
      if (found) return found;
    }
    return std::nullopt;
  }

  const std::vector<Set>& sets_;
  const std::vector<std::vector<Fingerprint>>& prints_;
};

}  // namespace

Fingerprint fingerprint(const image::Image& picture, const panels::Box& box) {
  constexpr size_t n = Fingerprint::kCells;
  Fingerprint print;
  // Cells end between pixels, so that a picture and its smaller copy give the same means.
  const double cell_width = static_cast<double>(box.width) / n;
  const double cell_height = static_cast<double>(box.height) / n;
  const auto samples = static_cast<size_t>(box.width) * 3;
  std::vector<uint64_t> before(samples + 3);  // sums up to a column
  // Adds `share` of what the columns of some rows sum up to, to row `r` of the cells.
  const auto add = [&](size_t r, const std::vector<uint32_t>& columns, double share) {
    for (size_t i = 0; i < samples; ++i) before[i + 3] = before[i] + columns[i];
    const auto up_to = [&](double x, size_t channel) {
      const auto whole = std::min(static_cast<size_t>(x), static_cast<size_t>(box.width - 1));
      const double part = x - static_cast<double>(whole);
      return static_cast<double>(before[whole * 3 + channel]) +
             part * static_cast<double>(columns[whole * 3 + channel]);
    };
    for (size_t c = 0; c < n; ++c) {
      for (size_t k = 0; k < 3; ++k) {
        const double sum = up_to(cell_width * static_cast<double>(c + 1), k) -
                           up_to(cell_width * static_cast<double>(c), k);
        print.cells[(r * n + c) * 3 + k] +=
            static_cast<float>(share * sum / (cell_width * cell_height));
      }
    }
  };
  std::vector<uint32_t> whole(samples), single(samples);
  size_t row_of_whole = 0;
  for (int64_t y = 0; y < box.height; ++y) {
    const uint8_t* pixels = picture.row(box.y + y) + box.x * 3;
    const auto top = static_cast<double>(y), bottom = top + 1;
    const size_t first = std::min(n - 1, static_cast<size_t>(top / cell_height));
    if (first != row_of_whole) {
      add(row_of_whole, whole, 1);
      std::fill(whole.begin(), whole.end(), 0);
      row_of_whole = first;
    }
    if (first == n - 1 || bottom <= cell_height * static_cast<double>(first + 1)) {
      for (size_t i = 0; i < samples; ++i) whole[i] += pixels[i];
      continue;
    }
    // Its share of each row of cells that it touches.
    std::copy(pixels, pixels + samples, single.begin());
    for (size_t r = first; r < n; ++r) {
      const double share = std::min(bottom, cell_height * static_cast<double>(r + 1)) -
                           std::max(top, cell_height * static_cast<double>(r));
      if (share <= 0 && r > first) break;
      if (share > 0) add(r, single, share);
    }
  }
  add(row_of_whole, whole, 1);
  for (size_t k = 0; k < 3; ++k) {
    double sum = 0;
    for (size_t i = 0; i < n * n; ++i) sum += print.cells[i * 3 + k];
    print.mean[k] = static_cast<float>(sum / (n * n));
    for (size_t i = 0; i < n * n; ++i) print.cells[i * 3 + k] -= print.mean[k];
  }
  double squares = 0;
  for (const float value : print.cells) squares += static_cast<double>(value) * value;
  print.spread = static_cast<float>(std::sqrt(squares / static_cast<double>(print.cells.size())));
  constexpr size_t block = 3, blocks = n / block;
  for (size_t i = 0; i < print.cells.size(); ++i) {
    const size_t down = i / (n * 3) / block, across = i / 3 % n / block;
    print.coarse[down * blocks + across] += print.cells[i] / (block * block * 3) / unit_of(print);
  }
  return print;
}

double distance(const Fingerprint& a, const Fingerprint& b) {
  const float unit_a = unit_of(a), unit_b = unit_of(b);
  double sum = 0;
  for (size_t i = 0; i < a.cells.size(); ++i) {
    const double difference = a.cells[i] / unit_a - b.cells[i] / unit_b;
    sum += difference * difference;
  }
  // Flat pictures have nothing but their colour.
  constexpr double kLevels = 2000;
  return std::sqrt(sum / static_cast<double>(a.cells.size())) + colour_shift(a, b) / kLevels;
}

void report_duplicates(const std::vector<Set>& sets,
                       const std::vector<std::vector<Fingerprint>>& prints, Problems& problems) {
  Copies copies(sets, prints);
  for (size_t i = 0; i < sets.size(); ++i) {
    report_within(sets[i], prints[i], problems);
    copies.report(i, problems);
  }
}

}  // namespace iclora::dataset
