#include "study/page.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.h"
#include "core/file.h"
#include "eval/html.h"
#include "study/plots.h"
#include "study/report.h"

namespace iclora::study {
namespace {

namespace fs = std::filesystem;
using eval::escaped;
using eval::Estimate;

constexpr uint64_t kLargestPicture = uint64_t{64} << 20;

struct Shown {
  const char* measure;
  const char* title;
  bool percent;
};
constexpr Shown kShown[] = {{"success", "success", true},
                            {"consistency", "consistent", true},
                            {"different", "panels differ", true},
                            {"adherence", "adherence", true},
                            {"identity", "identity kept", true},
                            {"identity/*", "traits kept", true},
                            {"copies", "copies", true},
                            {"colours_shared", "colours shared", true},
                            {"like_real", "like the real panel", true},
                            {"like_given", "like the given panel", true},
                            {"given_error", "given panel's error", true},
                            {"given_seam", "seam of pasting", true},
                            {"apart", "apart", false},
                            {"seam", "seam", false},
                            {"seam_step", "step at the seam", false}};

/// Those that some cell has.
std::vector<Shown> shown_of(const std::vector<const Cell*>& cells) {
  std::vector<Shown> out;
  for (const Shown& one : kShown) {
    const bool any = std::any_of(cells.begin(), cells.end(), [&](const Cell* cell) {
      return eval::has_measure(cell->measures, one.measure);
    });
    if (any) out.push_back(one);
  }
  return out;
}

std::string figure(double value, bool percent) {
  return percent ? fmt::format("{:.1f}", 100 * value) : fmt::format("{:.3f}", value);
}

std::string estimate_cell(const Estimate& one, bool percent) {
  if (one.sets == 0) return "<td>–</td>";
  return fmt::format("<td>{}{}<br><small>{} to {}</small></td>", figure(one.value, percent),
                     percent ? " %" : "", figure(one.low, percent), figure(one.high, percent));
}

std::string number_cell(const std::optional<double>& value, int digits) {
  return value ? fmt::format("<td>{:.{}f}</td>", *value, digits) : "<td>–</td>";
}

/// A line a label; `cells_of_label`: its cells, of one task or of all.
template <typename Cells>
std::string table(const std::vector<std::string>& labels, const Cells& cells_of_label) {
  std::vector<const Cell*> all;
  for (const std::string& label : labels) {
    for (const Cell* cell : cells_of_label(label)) all.push_back(cell);
  }
  const std::vector<Shown> shown = shown_of(all);
  std::string out = "<div class=wide><table><tr><th>row</th><th>tasks</th>";
  for (const Shown& one : shown) out += fmt::format("<th>{}</th>", one.title);
  out +=
      "<th>feature distance</th><th>Fr&eacute;chet</th><th>steps</th><th>s a canvas</th>"
      "<th>training s</th></tr>\n";
  for (const std::string& label : labels) {
    const std::vector<const Cell*> cells = cells_of_label(label);
    if (cells.empty()) continue;
    out += fmt::format("<tr><td>{}</td><td>{}</td>", escaped(label), cells.size());
    for (const Shown& one : shown) {
      out += estimate_cell(pooled(cells, one.measure), one.percent);
    }
    const auto mean = [&](const auto& value, int digits) {
      out += number_cell(mean_over(cells, value), digits);
    };
    mean([](const Cell& one) { return one.feature_distance; }, 3);
    mean([](const Cell& one) { return one.frechet; }, 3);
    const bool drawn = cells.front()->steps > 0;
    out += drawn ? fmt::format("<td>{}</td>", cells.front()->steps) : "<td>–</td>";
    mean(seconds_a_canvas, 3);
    mean(training_seconds, 0);
    out += "</tr>\n";
  }
  return out + "</table></div>\n";
}

/// How a verdict looks; one that is open is neither right nor wrong.
const char* class_of(const std::string& holds) {
  return holds == "yes" ? "right" : holds == "no" ? "wrong" : "soft";
}

std::string contrasts_html(const Study& study) {
  const std::vector<Contrast> contrasts = contrasts_of(study);
  if (contrasts.empty()) return "";
  std::string out =
      "<h2>Contrasts</h2>\n<p>One row minus another on the same sets and seeds, paired set by set, "
      "over all tasks that have both.</p><div class=wide><table><tr><th>contrast</th><th>a</th>"
      "<th>b</th><th>measure</th><th>a minus b</th><th>sets</th><th>expected</th><th>holds</th>"
      "</tr>\n";
  for (const Contrast& one : contrasts) {
    const bool percent = std::any_of(std::begin(kShown), std::end(kShown), [&](const Shown& shown) {
      return shown.percent && one.plan->measure.starts_with(shown.measure);
    });
    std::string expected = "–";
    if (one.plan->at_least) {
      expected = fmt::format("at least {}{}", figure(*one.plan->at_least, percent),
                             percent ? " points" : "");
    }
    out += fmt::format("<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td>", escaped(one.plan->name),
                       escaped(one.plan->a), escaped(one.plan->b), escaped(one.plan->measure));
    out += estimate_cell(one.difference, percent);
    out += fmt::format("<td>{}</td><td>{}</td><td class={}>{}</td></tr>\n", one.difference.sets,
                       expected, class_of(one.holds), one.holds.empty() ? "–" : one.holds);
  }
  return out + "</table></div>\n";
}

/// The canvases of the first sets, a line a row.
std::string pictures_html(const TaskCells& task, const fs::path& cells) {
  if (task.captions.empty()) return "";
  std::string out = "<div class=wide><table class=pictures><tr><th>row</th>";
  for (const std::string& caption : task.captions) {
    out += fmt::format("<th><div class=caption>{}</div></th>", escaped(caption));
  }
  out += "</tr>\n";
  for (const Cell& cell : task.cells) {
    if (cell.label == "shuffled") continue;
    out += fmt::format("<tr><td>{}</td>", escaped(cell.label));
    for (size_t i = 0; i < task.captions.size(); ++i) {
      std::string picture;
      if (i < cell.pictures.size()) {
        try {
          picture =
              eval::inlined_png(read_file(cells / cell.key / cell.pictures[i], kLargestPicture),
                                fmt::format("{}, set {}", cell.label, i + 1));
        } catch (const Error&) {
          picture = "–";
        }
      }
      out += fmt::format("<td>{}</td>", picture);
    }
    out += "</tr>\n";
  }
  return out + "</table></div>\n";
}

std::string introduction(const Study& study) {
  size_t missing = 0;
  for (const TaskCells& task : study.tasks) missing += task.missing.size();
  const Json& settings = study.settings;
  std::string out = fmt::format(
      "<p>{} tasks, {} rows; model {}; {} steps, guidance {}, seeds from {}, {}.",
      study.tasks.size(), labels_of(study).size(), escaped(printable(study.plan->model)),
      settings["steps"].get<int64_t>(), settings["guidance"].get<double>(),
      settings["seed"].get<uint64_t>(), escaped(settings["dtype"].get<std::string>()));
  if (missing > 0) out += fmt::format(" <b>{} rows are not there yet.</b>", missing);
  return out + "</p>\n";
}

constexpr const char* kMeaning =
    "<p>Below each figure: its 95 % interval (bootstrap over sets). "
    "<b>drawn</b>: the real held-out sets; <b>rebuilt</b>: the same through the model's "
    "autoencoder; <b>shuffled</b>: panels of different real sets. "
    "<b>success</b>: everything shared is read equal in all panels, and no two panels that should "
    "differ are read the same. "
    "<b>identity kept</b>: panels that were drawn beside given ones and show all that those share; "
    "<b>traits kept</b>: the same of each single trait. "
    "<b>given panel's error</b>: mean difference, of the range, between a given picture and what "
    "the model draws in its place; <b>seam of pasting</b>: the same along the borders. Where "
    "panels are given, adherence and likeness are of the others. "
    "<b>feature distance</b>: between the means of the classifier's features of these panels and "
    "of the real ones; <b>Fr&eacute;chet</b>: of both distributions, to be compared between rows "
    "of as many panels. Figures over several tasks are over all their sets; distances, means of "
    "tasks.</p>\n";

constexpr const char* kOwnStyle =
    ".pictures td, .pictures th { vertical-align: top; text-align: left; } "
    ".caption { white-space: normal; width: 12rem; font-weight: 400; font-size: .75rem; } "
    "svg .a0 { stroke: #1f5fd1; fill: #1f5fd1; } svg .a1 { stroke: #c2571a; fill: #c2571a; } "
    "svg .a2 { stroke: #18783c; fill: #18783c; } svg .a3 { stroke: #8a3fb0; fill: #8a3fb0; } "
    "svg .a4 { stroke: #b0306a; fill: #b0306a; } svg .a5 { stroke: #7a7a20; fill: #7a7a20; } "
    "svg .line { fill: none; stroke-width: 2; }";

}  // namespace

std::string study_page(const Study& study, const fs::path& cells) {
  const std::string title = study.plan->file.stem().native();
  std::string out = fmt::format(
      "<!doctype html>\n<html lang=en><head><meta charset=utf-8><meta name=viewport "
      "content=\"width=device-width\"><title>{0}: iclora eval</title><style>{1}{2}</style></head>"
      "<body>\n<h1>{0}</h1>\n",
      escaped(title), eval::page_style(), kOwnStyle);
  const std::vector<std::string> labels = labels_of(study);
  out += introduction(study) + kMeaning + contrasts_html(study);
  out += dose_plots(study);
  out += "<h2>All tasks</h2>\n";
  out += table(labels, [&](const std::string& label) { return cells_of(study, label); });
  out += row_plots(study, labels);
  for (const TaskCells& task : study.tasks) {
    out += fmt::format("<h2>{}</h2>\n", escaped(task.task->name));
    out += table(labels, [&](const std::string& label) {
      std::vector<const Cell*> one;
      for (const Cell& cell : task.cells) {
        if (cell.label == label) one.push_back(&cell);
      }
      return one;
    });
    out += pictures_html(task, cells);
  }
  return out + "</body></html>\n";
}

}  // namespace iclora::study
