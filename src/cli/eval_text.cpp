#include "cli/eval_text.h"

#include <fmt/format.h>

#include <array>
#include <utility>

namespace iclora::cli {
namespace {

std::string share_text(const Json& share) {
  return fmt::format("{:5.1f} % ({:.1f} to {:.1f}), {} of {}", 100 * share["share"].get<double>(),
                     100 * share["low"].get<double>(), 100 * share["high"].get<double>(),
                     share["right"].get<int64_t>(), share["of"].get<int64_t>());
}

/// A measure's figure with its interval, or nothing.
std::string estimate_text(const Json& measures, const char* name, bool percent) {
  const auto found = measures.find(name);
  if (found == measures.end()) return "";
  const double unit = percent ? 100 : 1;
  return fmt::format("{:.{}f}{} ({:.{}f} to {:.{}f})", unit * (*found)["value"].get<double>(),
                     percent ? 1 : 3, percent ? " %" : "", unit * (*found)["low"].get<double>(),
                     percent ? 1 : 3, unit * (*found)["high"].get<double>(), percent ? 1 : 3);
}

struct Measure {
  const char* name;
  const char* title;
  bool percent;
};
constexpr std::array<Measure, 11> kMeasures = {{{"consistency", "consistent", true},
                                                {"different", "panels differ", true},
                                                {"success", "both of these", true},
                                                {"adherence", "adherence", true},
                                                {"copies", "copies", true},
                                                {"colours_shared", "colours shared", true},
                                                {"like_real", "like the real panel", true},
                                                {"apart", "apart", false},
                                                {"seam", "seam energy", false},
                                                {"seam_step", "step at the seam", false},
                                                {"train_distance", "from training sets", false}}};

std::string measures_text(const Json& measures) {
  std::string text;
  for (const Measure& measure : kMeasures) {
    const std::string figure = estimate_text(measures, measure.name, measure.percent);
    if (!figure.empty()) text += fmt::format("  {:20} {}\n", measure.title, figure);
  }
  return text;
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
      text += "\n";
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
  std::string text = fmt::format("{} sets of {}\n", report["count"].get<size_t>(),
                                 report["grid"].get<std::string>());
  for (const Json& row : report["rows"]) {
    text += row["name"].get<std::string>() + "\n" + measures_text(row["measures"]);
  }
  for (const Json& difference : report["differences"]) {
    text += fmt::format("{} minus {}\n{}", difference["row"].get<std::string>(),
                        difference["against"].get<std::string>(),
                        measures_text(difference["measures"]));
  }
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

}  // namespace iclora::cli
