#include "cli/eval_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

namespace iclora::cli {
namespace {

std::string share_text(const Json& share) {
  return fmt::format("{:5.1f} % ({:.1f} to {:.1f}), {} of {}", 100 * share["share"].get<double>(),
                     100 * share["low"].get<double>(), 100 * share["high"].get<double>(),
                     share["right"].get<int64_t>(), share["of"].get<int64_t>());
}

struct Measure {
  const char* name;
  const char* title;
  bool percent;
  bool interval;  ///< written beside the figure; those of all stand in eval.json
};
constexpr std::array<Measure, 12> kMeasures = {{{"consistency", "consistent", true, true},
                                                {"different", "differ", true, false},
                                                {"success", "both", true, true},
                                                {"adherence", "adherence", true, true},
                                                {"identity", "identity", true, true},
                                                {"copies", "copies", true, false},
                                                {"colours_shared", "colours", true, false},
                                                {"like_real", "like real", true, false},
                                                {"apart", "apart", false, false},
                                                {"seam", "seam", false, false},
                                                {"seam_step", "step", false, false},
                                                {"train_distance", "from train", false, false}}};

std::string figure_text(const Json& measures, const Measure& measure, bool interval) {
  const auto found = measures.find(measure.name);
  if (found == measures.end()) return "-";
  const double unit = measure.percent ? 100 : 1;
  const int digits = measure.percent ? 1 : 3;
  std::string text = fmt::format("{:.{}f}", unit * (*found)["value"].get<double>(), digits);
  if (interval) {
    text += fmt::format(" ({:.{}f} to {:.{}f})", unit * (*found)["low"].get<double>(), digits,
                        unit * (*found)["high"].get<double>(), digits);
  }
  return text;
}

/// A line each, columns as wide as what stands in them.
std::string aligned(const std::vector<std::vector<std::string>>& lines) {
  std::vector<size_t> widths;
  for (const auto& line : lines) {
    widths.resize(std::max(widths.size(), line.size()), 0);
    for (size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], line[i].size());
  }
  std::string text;
  for (const auto& line : lines) {
    std::string one;
    for (size_t i = 0; i < line.size(); ++i) one += fmt::format("{:<{}}", line[i], widths[i] + 2);
    one.erase(one.find_last_not_of(' ') + 1);
    text += one + "\n";
  }
  return text;
}

std::string work_text(const Json& work) {
  std::string text;
  size_t left = 0;
  for (const Json& one : work) {
    const bool done = one["done"];
    left += done ? 0 : 1;
    text +=
        fmt::format("{:5} {}: {} {}\n", done ? "there" : "to do", one["task"].get<std::string>(),
                    one["training"].get<bool>() ? "train" : "draw", one["what"].get<std::string>());
  }
  return text + fmt::format("{} of {} to do\n", left, work.size());
}

std::string rows_text(const Json& report) {
  std::vector<Measure> shown;
  for (const Measure& measure : kMeasures) {
    const auto& rows = report["rows"];
    if (std::any_of(rows.begin(), rows.end(),
                    [&](const Json& row) { return row["measures"].contains(measure.name); })) {
      shown.push_back(measure);
    }
  }
  std::vector<std::vector<std::string>> lines = {{""}};
  for (const Measure& measure : shown) {
    lines[0].push_back(fmt::format("{}{}", measure.title, measure.percent ? " %" : ""));
  }
  const auto add = [&](const std::string& name, const Json& measures) {
    lines.push_back({name});
    for (const Measure& measure : shown) {
      lines.back().push_back(figure_text(measures, measure, measure.interval));
    }
  };
  for (const Json& row : report["rows"]) add(row["name"].get<std::string>(), row["measures"]);
  for (const Json& one : report["differences"]) {
    add(fmt::format("{} minus {}", one["row"].get<std::string>(),
                    one["against"].get<std::string>()),
        one["measures"]);
  }
  return aligned(lines);
}

}  // namespace

std::string captions_text(const Json& report) {
  std::string text;
  for (const auto& [grid, score] : report["grids"].items()) {
    text += fmt::format("{}: {} canvases, {} panels\n", grid, score["canvases"].get<int64_t>(),
                        score["panels"].get<int64_t>());
    for (const auto& [column, share] : score["columns"].items()) {
      text += fmt::format("  {:12} {}", column, share_text(share));
      if (const auto other = share["from_other_panel"].get<int64_t>(); other > 0) {
        text += fmt::format("; {} show another panel's", other);
      }
      text += '\n';
    }
    text += fmt::format("  {:12} {}\n", "all of these", share_text(score["all"]));
  }
  if (report.contains("distance")) {
    const Json& distance = report["distance"];
    text += fmt::format("distance to drawings: Frechet {:.3f}, means {:.3f} ({} panels)\n",
                        distance["frechet"].get<double>(), distance["mean"].get<double>(),
                        distance["panels"].get<int64_t>());
  }
  return text + report["report"].get<std::string>() + "\n" + report["sheet"].get<std::string>() +
         "\n";
}

std::string comparison_text(const Json& report) {
  std::string text = fmt::format("{} sets of {}; 95 % intervals in brackets\n",
                                 report["count"].get<size_t>(), report["grid"].get<std::string>());
  text += rows_text(report);
  if (report.contains("run")) {
    const Json& run = report["run"];
    text += fmt::format("best: {} (step {})\n", run["best"].get<std::string>(),
                        run["best_step"].get<int64_t>());
    for (const Json& warning : run["warnings"]) text += warning.get<std::string>() + "\n";
  }
  for (const char* file : {"report", "page", "sheet"})
    text += report[file].get<std::string>() + "\n";
  return text;
}

std::string study_text(const Json& report) {
  if (report.contains("work")) return work_text(report["work"]);
  Json rows = report;
  rows["differences"] = Json::array();
  for (Json& row : rows["rows"]) row["name"] = row["row"];
  std::string text = fmt::format("{} tasks; 95 % intervals in brackets\n", report["tasks"].size());
  text += rows_text(rows);
  for (const Json& one : report["contrasts"]) {
    if (!one.contains("value")) continue;
    text += fmt::format(
        "{}: {:.3f} ({:.3f} to {:.3f}){}\n", one["name"].get<std::string>(),
        one["value"].get<double>(), one["low"].get<double>(), one["high"].get<double>(),
        one.contains("holds") ? fmt::format(", at least {}: {}", one["at_least"].get<double>(),
                                            one["holds"].get<std::string>())
                              : "");
  }
  const auto missing = report["missing"].get<size_t>();
  if (missing > 0) text += fmt::format("{} rows are not there yet\n", missing);
  return text + report["report"].get<std::string>() + "\n" + report["page"].get<std::string>() +
         "\n";
}

}  // namespace iclora::cli
