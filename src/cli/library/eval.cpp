#include "eval/evaluate.h"

#include <ATen/Parallel.h>

#include <chrono>

#include "cli/library/study.h"
#include "cli/library/verbs.h"
#include "core/error.h"
#include "core/file.h"
#include "eval/compare.h"
#include "eval/comparison_sheet.h"
#include "eval/page.h"
#include "eval/run_scores.h"
#include "image/png_write.h"
#include "panels/split_picture.h"
#include "runtime/processor.h"

namespace iclora::cli {

namespace {

namespace fs = std::filesystem;

/// Held-out captions: eval.json, sheet.png and, where asked for, all canvases.
Json eval_captions(const Json& request, const fs::path& out, bool keep_pictures,
                   Progress& progress) {
  eval::EvalResult result =
      eval::evaluate(eval::eval_request_from_json(request, "the request"), progress);
  std::vector<panels::NamedPicture> pictures = {{"sheet.png", std::move(result.sheet), {}}};
  for (size_t i = 0; keep_pictures && i < result.pictures.size(); ++i) {
    // Ids are any text; places in the list are file names everywhere.
    pictures.push_back({fmt::format("canvas-{:04}.png", i + 1), std::move(result.pictures[i]), {}});
  }
  panels::write_pictures(out, pictures);
  return result.report;
}

/// Held-out sets, also of a run: eval.json, eval.html and sheet.png, and where asked for all
/// canvases, by row.
Json eval_sets(const Json& request, const fs::path& out, bool keep_pictures, Progress& progress) {
  const std::string origin = "the request";
  eval::Comparison result =
      request.contains("run")
          ? eval::score_run(eval::run_request_from_json(request, origin), progress)
          : eval::compare(eval::compare_request_from_json(request, origin), progress);
  std::vector<panels::NamedPicture> pictures = {{"sheet.png", eval::comparison_sheet(result), {}}};
  panels::write_pictures(out, pictures);
  for (size_t number = 0; keep_pictures && number < result.rows.size(); ++number) {
    const eval::Row& row = result.rows[number];
    if (row.kind == "shuffled") continue;
    pictures.clear();
    for (size_t set = 0; set < row.sets.size(); ++set) {
      for (size_t repeat = 0; repeat < row.sets[set].size(); ++repeat) {
        std::string name = fmt::format("set-{:04}", set + 1);
        if (row.sets[set].size() > 1) name += fmt::format("-{}", repeat + 1);
        pictures.push_back({name + ".png", row.sets[set][repeat].canvas, {}});
      }
    }
    // Rows are named after files; their places are folder names everywhere.
    const fs::path folder = out / fmt::format("row-{}", number + 1);
    panels::write_pictures(folder, pictures);
    result.report["rows"][number]["pictures"] = folder.filename().native();
  }
  write_file(out / "eval.html", eval::comparison_page(result));
  return result.report;
}

}  // namespace

Json eval(const Json& request, Progress& progress) {
  const auto start = std::chrono::steady_clock::now();
  const std::string origin = "the request";
  const std::filesystem::path out = json_string(request, "out", origin);
  const bool keep_pictures = json_bool_or(request, "pictures", origin, false);
  const int64_t threads = json_integer_or(request, "threads", origin, 1, 1024, 0);
  if (threads > 0) at::set_num_threads(static_cast<int>(threads));
  if (request.contains("plan")) {
    Json report = eval_plan(request, progress);
    report["seconds"] =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    report["peak_bytes"] = runtime::peak_resident_bytes();
    return report;
  }
  check_writable(out / "eval.json");

  const bool sets = request.contains("sets") || request.contains("run");
  Json report = sets ? eval_sets(request, out, keep_pictures, progress)
                     : eval_captions(request, out, keep_pictures, progress);
  report["seconds"] =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  report["peak_bytes"] = runtime::peak_resident_bytes();
  write_file(out / "eval.json", report.dump(1) + "\n");

  Json answer = report;
  answer.erase("results");
  answer["report"] = (out / "eval.json").native();
  if (sets) answer["page"] = (out / "eval.html").native();
  answer["sheet"] = (out / "sheet.png").native();
  return answer;
}

}  // namespace iclora::cli
