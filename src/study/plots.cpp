#include "study/plots.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "core/error.h"
#include "eval/html.h"
#include "study/report.h"

namespace iclora::study {
namespace {

using eval::escaped;
using eval::Estimate;

struct Plotted {
  const char* measure;
  const char* title;
};
/// Shares, from 0 to 1. With labels the first four are measured, without them the last two.
constexpr Plotted kPlotted[] = {{"success", "success"},
                                {"consistency", "consistent"},
                                {"adherence", "adherence"},
                                {"identity", "identity kept from given panels"},
                                {"like_real", "like the real panel"},
                                {"like_given", "like the given panel"}};

/// One row at several numbers of training sets.
struct Line {
  std::string name;
  std::map<int64_t, std::string> labels;  ///< by the number
};

std::vector<Line> lines_of(const Study& study) {
  std::vector<Line> out;
  std::set<std::string> there;
  for (const std::string& label : labels_of(study)) there.insert(label);
  for (const TaskCells& task : study.tasks) {
    for (const PlannedRow& row : rows_of(*study.plan, *task.task)) {
      if (!row.sets || !there.contains(row.label)) continue;
      auto found = std::find_if(out.begin(), out.end(),
                                [&](const Line& one) { return one.name == row.row->name; });
      if (found == out.end()) found = out.insert(out.end(), {row.row->name, {}});
      found->labels[*row.sets] = row.label;
    }
  }
  std::erase_if(out, [](const Line& one) { return one.labels.size() < 2; });
  return out;
}

/// The first row of the untrained model that is drawn plainly.
std::string base_label(const Study& study) {
  for (const RowPlan& row : study.plan->rows) {
    if (row.training.empty() && row.given.empty() && !row.candidates) return row.name;
  }
  return "";
}

constexpr int kLeft = 50, kWidth = 760, kHeight = 260, kFoot = 40;

struct Scale {
  double low, high;  ///< numbers of sets, logarithmic
  double x(int64_t sets) const {
    const double span = std::max(std::log(high / low), 1e-9);
    return kLeft + 20 + (kWidth - kLeft - 60) * std::log(static_cast<double>(sets) / low) / span;
  }
  static double y(double share) { return 10 + (kHeight - 20) * (1 - share); }
};

std::string frame(const Scale& scale, const std::set<int64_t>& counts) {
  std::string out;
  for (int step = 0; step <= 4; ++step) {
    const double y = Scale::y(step / 4.0);
    out += fmt::format(
        "<line class=axis x1=\"{0}\" x2=\"{1}\" y1=\"{2:.1f}\" y2=\"{2:.1f}\"/><text class=tick "
        "x=\"{3}\" y=\"{4:.1f}\" text-anchor=\"end\">{5} %</text>\n",
        kLeft, kWidth - 10, y, kLeft - 6, y + 4, 25 * step);
  }
  for (const int64_t sets : counts) {
    out += fmt::format("<text class=tick x=\"{:.1f}\" y=\"{}\" text-anchor=\"middle\">{}</text>\n",
                       scale.x(sets), kHeight + 14, sets);
  }
  return out + fmt::format(
                   "<text class=tick x=\"{}\" y=\"{}\" text-anchor=\"end\">training sets"
                   "</text>\n",
                   kWidth - 10, kHeight + 32);
}

std::string line_svg(const Study& study, const Line& line, size_t colour, const char* measure,
                     const Scale& scale) {
  std::string points, marks;
  for (const auto& [sets, label] : line.labels) {
    const Estimate one = pooled(cells_of(study, label), measure);
    if (one.sets == 0) continue;
    // Lines side by side, so that their intervals do not lie on one another.
    const double x = scale.x(sets) + 3.0 * static_cast<double>(colour);
    points += fmt::format("{}{:.1f},{:.1f}", points.empty() ? "" : " ", x, Scale::y(one.value));
    marks += fmt::format(
        "<line class=a{0} x1=\"{1:.1f}\" x2=\"{1:.1f}\" y1=\"{2:.1f}\" y2=\"{3:.1f}\"/><circle "
        "class=a{0} cx=\"{1:.1f}\" cy=\"{4:.1f}\" r=\"4\"><title>{5}: {6:.1f} %</title></circle>\n",
        colour % 6, x, Scale::y(one.low), Scale::y(one.high), Scale::y(one.value), escaped(label),
        100 * one.value);
  }
  if (points.empty()) return "";
  return fmt::format("<polyline class=\"line a{}\" style=\"fill: none\" points=\"{}\"/>\n{}",
                     colour % 6, points, marks);
}

std::string dose_plot(const Study& study, const std::vector<Line>& lines, const Plotted& plotted) {
  std::set<int64_t> counts;
  for (const Line& line : lines) {
    for (const auto& [sets, label] : line.labels) counts.insert(sets);
  }
  const Scale scale = {static_cast<double>(*counts.begin()), static_cast<double>(*counts.rbegin())};
  std::string drawn, legend;
  for (size_t i = 0; i < lines.size(); ++i) {
    const std::string one = line_svg(study, lines[i], i, plotted.measure, scale);
    if (one.empty()) continue;
    drawn += one;
    legend += fmt::format("<tspan class=a{} style=\"stroke: none\">&#9679; {}&#160;&#160;</tspan>",
                          i % 6, escaped(printable(lines[i].name, 40)));
  }
  if (drawn.empty()) return "";
  const Estimate base = pooled(cells_of(study, base_label(study)), plotted.measure);
  if (base.sets > 0) {
    drawn += fmt::format(
        "<line x1=\"{0}\" x2=\"{1}\" y1=\"{2:.1f}\" y2=\"{2:.1f}\" class=axis "
        "stroke-dasharray=\"6 4\" style=\"stroke: currentColor\"/><text class=tick x=\"{1}\" "
        "y=\"{3:.1f}\" text-anchor=\"end\">{4}</text>\n",
        kLeft, kWidth - 10, Scale::y(base.value), Scale::y(base.value) - 4,
        escaped(printable(base_label(study), 40)));
  }
  return fmt::format(
      "<h3>{0} by training sets</h3><div class=wide><svg viewBox=\"0 0 {1} {2}\" width=\"{1}\" "
      "role=\"img\" aria-label=\"{0} by number of training sets\">\n{3}{4}<text x=\"{5}\" "
      "y=\"{6}\">{7}</text></svg></div>\n",
      plotted.title, kWidth, kHeight + kFoot, frame(scale, counts), drawn, kLeft, kHeight + 34,
      legend);
}

}  // namespace

std::string dose_plots(const Study& study) {
  const std::vector<Line> lines = lines_of(study);
  if (lines.empty()) return "";
  std::string out;
  for (const Plotted& one : kPlotted) out += dose_plot(study, lines, one);
  return out;
}

std::string row_plots(const Study& study, const std::vector<std::string>& labels) {
  constexpr int kLabel = 300, kLine = 20, kHead = 24;
  const auto x_of = [&](double share) { return kLabel + (kWidth - kLabel - 20) * share; };
  std::string out;
  for (const Plotted& plotted : kPlotted) {
    std::string rows;
    int y = kHead;
    for (const std::string& label : labels) {
      const Estimate one = pooled(cells_of(study, label), plotted.measure);
      if (one.sets == 0) continue;
      const int middle = y + kLine / 2;
      rows += fmt::format(
          "<text x=\"0\" y=\"{0}\">{1}</text><line class=bar x1=\"{2:.1f}\" x2=\"{3:.1f}\" "
          "y1=\"{4}\" y2=\"{4}\"/><circle class=dot cx=\"{5:.1f}\" cy=\"{4}\" r=\"4\"><title>{1}: "
          "{6:.1f} %</title></circle>\n",
          middle + 4, escaped(printable(label, 44)), x_of(one.low), x_of(one.high), middle,
          x_of(one.value), 100 * one.value);
      y += kLine;
    }
    if (rows.empty()) continue;
    std::string axes;
    for (int step = 0; step <= 4; ++step) {
      const double x = x_of(step / 4.0);
      axes += fmt::format(
          "<line class=axis x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1}\" y2=\"{2}\"/><text class=tick "
          "x=\"{0:.1f}\" y=\"{3}\" text-anchor=\"middle\">{4} %</text>\n",
          x, kHead - 4, y + 4, y + 18, 25 * step);
    }
    out += fmt::format(
        "<h3>{0}</h3><div class=wide><svg viewBox=\"0 0 {1} {2}\" width=\"{1}\" role=\"img\" "
        "aria-label=\"{0}, all rows\">\n{3}{4}</svg></div>\n",
        plotted.title, kWidth, y + 24, axes, rows);
  }
  return out;
}

}  // namespace iclora::study
