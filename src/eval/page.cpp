#include "eval/page.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.h"
#include "eval/html.h"
#include "image/png_write.h"

namespace iclora::eval {
namespace {

/// A column of the table: a measure, and how it is written.
struct TableColumn {
  const char* measure;
  const char* title;
  bool percent;
};
constexpr TableColumn kTable[] = {{"consistency", "consistent", true},
                                  {"different", "panels differ", true},
                                  {"success", "both", true},
                                  {"adherence", "adherence", true},
                                  {"copies", "copies", true},
                                  {"colours_shared", "colours shared", true},
                                  {"like_real", "like the real panel", true},
                                  {"apart", "apart", false},
                                  {"seam", "seam", false},
                                  {"seam_step", "step at the seam", false},
                                  {"train_distance", "from training sets", false}};

std::string number(double value, bool percent) {
  return percent ? fmt::format("{:.1f} %", 100 * value) : fmt::format("{:.3f}", value);
}

bool is_measured(const Comparison& comparison, const char* measure) {
  return std::any_of(comparison.rows.begin(), comparison.rows.end(),
                     [&](const Row& row) { return has_measure(row.measures, measure); });
}

std::string cell(const Estimate& estimate, bool percent) {
  if (estimate.sets == 0) return "<td>–</td>";
  const std::string low =
      percent ? fmt::format("{:.1f}", 100 * estimate.low) : fmt::format("{:.3f}", estimate.low);
  const std::string high =
      percent ? fmt::format("{:.1f}", 100 * estimate.high) : fmt::format("{:.3f}", estimate.high);
  return fmt::format("<td>{}<br><small>{} to {}</small></td>", number(estimate.value, percent), low,
                     high);
}

std::string table(const Comparison& comparison) {
  std::string out = "<div class=wide><table><tr><th>row</th>";
  for (const TableColumn& column : kTable) {
    if (is_measured(comparison, column.measure)) out += fmt::format("<th>{}</th>", column.title);
  }
  out += "</tr>\n";
  const Row* base = nullptr;
  for (const Row& row : comparison.rows) {
    if (row.kind == "base") base = &row;
    out += fmt::format("<tr><td>{}</td>", escaped(row.name));
    for (const TableColumn& column : kTable) {
      if (is_measured(comparison, column.measure)) {
        out += cell(estimate_of(row, column.measure), column.percent);
      }
    }
    out += "</tr>\n";
  }
  for (const Row& row : comparison.rows) {
    if (row.kind != "lora" || base == nullptr) continue;
    out += fmt::format("<tr><td>{} minus base</td>", escaped(row.name));
    for (const TableColumn& column : kTable) {
      if (is_measured(comparison, column.measure)) {
        out += cell(difference_of(row, *base, column.measure), column.percent);
      }
    }
    out += "</tr>\n";
  }
  return out + "</table></div>\n";
}

/// Dots with intervals of the shares that matter most, a line a row of the comparison.
std::string plot(const Comparison& comparison) {
  std::vector<TableColumn> shown;
  for (const TableColumn& column : kTable) {
    const std::string name = column.measure;
    if ((name == "consistency" || name == "success" || name == "adherence") &&
        is_measured(comparison, column.measure)) {
      shown.push_back(column);
    }
  }
  if (shown.empty()) {
    for (const TableColumn& column : kTable) {
      const std::string name = column.measure;
      if ((name == "colours_shared" || name == "like_real" || name == "copies") &&
          is_measured(comparison, column.measure)) {
        shown.push_back(column);
      }
    }
  }
  constexpr int kLabel = 190, kWidth = 760, kLine = 22, kHead = 26;
  const auto x_of = [&](double value) { return kLabel + (kWidth - kLabel - 20) * value; };
  const size_t rows = comparison.rows.size();
  const auto height = static_cast<int>(shown.size() * (kHead + rows * kLine) + 24);
  std::string out = fmt::format(
      "<div class=wide><svg viewBox=\"0 0 {} {}\" width=\"{}\" role=\"img\" aria-label=\"shares "
      "with their intervals\">\n",
      kWidth, height, kWidth);
  for (int step = 0; step <= 4; ++step) {
    const double x = x_of(step / 4.0);
    out += fmt::format(
        "<line class=axis x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"8\" y2=\"{1}\"/><text class=tick "
        "x=\"{0:.1f}\" y=\"{2}\" text-anchor=\"middle\">{3} %</text>\n",
        x, height - 20, height - 6, 25 * step);
  }
  int y = 0;
  for (const TableColumn& column : shown) {
    out +=
        fmt::format("<text x=\"0\" y=\"{}\" font-weight=\"600\">{}</text>\n", y + 18, column.title);
    y += kHead;
    for (const Row& row : comparison.rows) {
      const Estimate one = estimate_of(row, column.measure);
      const int middle = y + kLine / 2;
      out += fmt::format("<text x=\"14\" y=\"{}\">{}</text>\n", middle + 4,
                         escaped(printable(row.name, 24)));
      if (one.sets > 0) {
        out += fmt::format(
            "<line class=bar x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{}\" y2=\"{}\"/><circle class=dot "
            "cx=\"{:.1f}\" cy=\"{}\" r=\"5\"><title>{}: {}</title></circle>\n",
            x_of(one.low), x_of(one.high), middle, middle, x_of(one.value), middle,
            escaped(row.name), number(one.value, true));
      }
      y += kLine;
    }
  }
  return out + "</svg></div>\n";
}

std::string set_html(const Comparison& comparison, size_t index) {
  const TestSet& set = comparison.sets.sets[index];
  const Json& result = comparison.report["results"][index];
  std::string out = fmt::format("<section class=set><p><b>{}</b> {}</p><div class=rows>\n",
                                escaped(set.set.id), escaped(result["caption"].get<std::string>()));
  for (const Row& row : comparison.rows) {
    if (row.kind == "shuffled" || row.kind == "rebuilt") continue;
    const DrawnSet& drawn = row.sets[index][0];
    const int64_t scale = set.layout.width <= 256 && set.layout.height <= 256 ? 2 : 1;
    out +=
        fmt::format("<figure>{}<figcaption>{}",
                    inlined_png(image::encode_png(drawn.canvas), set.set.id + ", " + row.name,
                                fmt::format("width=\"{}\" height=\"{}\"", set.layout.width * scale,
                                            set.layout.height * scale)),
                    escaped(row.name));
    if (!drawn.read.empty()) {
      for (const auto& verdict : verdicts(comparison.sets, set, drawn, *comparison.classifier)) {
        out += fmt::format("<br><span class={}>{}</span>", verdict.wrong ? "wrong" : "right",
                           escaped(verdict.text));
      }
    }
    out += "</figcaption></figure>\n";
  }
  return out + "</div></section>\n";
}

std::string list_of(const Json& names) {
  std::string out;
  for (const Json& name : names) {
    if (!out.empty()) out += ", ";
    out += name.get<std::string>();
  }
  return out.empty() ? "nothing" : out;
}

std::string introduction(const Comparison& comparison) {
  const Json& report = comparison.report;
  std::string out =
      fmt::format("<p>{} held-out sets of {}, {} canvas{} each.", report["count"].get<size_t>(),
                  report["grid"].get<std::string>(), report["repeat"].get<int64_t>(),
                  report["repeat"].get<int64_t>() == 1 ? "" : "es");
  if (comparison.sets.labelled) {
    out += fmt::format(" All panels of a set share: {}. They differ in: {}.",
                       escaped(list_of(report["shared"])), escaped(list_of(report["varies"])));
  }
  if (report.contains("settings")) {
    const Json& settings = report["settings"];
    out += fmt::format(" {} steps, guidance {}, seeds from {}, {}.",
                       settings["steps"].get<int64_t>(), settings["guidance"].get<double>(),
                       settings["seed"].get<uint64_t>(), settings["dtype"].get<std::string>());
  }
  return out + "</p>\n";
}

constexpr const char* kMeaning =
    "<p>Below each figure: its 95 % interval (bootstrap over sets; differences are paired, set by "
    "set). <b>drawn</b>: the real held-out sets, the ceiling; <b>rebuilt</b>: the same through the "
    "model's autoencoder. <b>shuffled</b>: panels of different "
    "real sets, the floor. <b>base</b>: the model without training.";
constexpr const char* kLabelledMeaning =
    " <b>consistent</b>: sets in which everything shared is read equal in all panels, and as the "
    "first panel's prompt tells it. <b>panels differ</b>: sets without two panels that should "
    "differ and do not. <b>adherence</b>: panels that show all that their own prompt tells.";
constexpr const char* kPixelMeaning =
    " From pixels alone: <b>copies</b>: sets in which two panels are the same picture; <b>colours "
    "shared</b>: overlap of the panels' colour histograms; <b>like the real panel</b>: the same "
    "with the real panel of that place; <b>apart</b>: mean difference of 16 x 16 thumbnails; "
    "<b>seam</b> and <b>step at the seam</b>: energy beside and across the borders by the energy "
    "inside the panels, to be held against <b>drawn</b>; "
    "<b>from training sets</b>: difference of thumbnails from the nearest training set.</p>\n";

}  // namespace

std::string comparison_page(const Comparison& comparison, size_t most_sets) {
  const std::string task = comparison.sets.task.empty() ? "held-out sets" : comparison.sets.task;
  std::string out = fmt::format(
      "<!doctype html>\n<html lang=en><head><meta charset=utf-8><meta name=viewport "
      "content=\"width=device-width\"><title>{0}: iclora eval</title><style>{1}</style></head>"
      "<body>\n<h1>{0}</h1>\n",
      escaped(task), page_style());
  if (comparison.report.contains("run")) {
    const Json& run = comparison.report["run"];
    out += fmt::format("<p><b>Best: {} (step {}).</b></p>\n",
                       escaped(run["best"].get<std::string>()), run["best_step"].get<int64_t>());
    for (const Json& warning : run["warnings"]) {
      out += fmt::format("<p class=wrong>{}</p>\n", escaped(warning.get<std::string>()));
    }
  }
  out += introduction(comparison) + table(comparison) + plot(comparison) + kMeaning;
  if (comparison.sets.labelled) out += kLabelledMeaning;
  out += kPixelMeaning;
  if (!comparison.losses.empty()) {
    out += "<h2>Loss</h2>\n" + loss_svg(comparison.losses);
  }
  out += "<h2>Sets</h2>\n";
  for (size_t i = 0; i < std::min(most_sets, comparison.sets.sets.size()); ++i) {
    out += set_html(comparison, i);
  }
  return out + "</body></html>\n";
}

}  // namespace iclora::eval
