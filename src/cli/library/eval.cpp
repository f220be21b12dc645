#include "eval/evaluate.h"

#include <ATen/Parallel.h>

#include <chrono>

#include "cli/library/verbs.h"
#include "core/error.h"
#include "core/file.h"
#include "core/log.h"
#include "image/png_write.h"
#include "panels/split_picture.h"
#include "runtime/processor.h"

namespace iclora::cli {

Json eval(const Json& request, Progress& progress) {
  const auto start = std::chrono::steady_clock::now();
  const std::string origin = "the request";
  const std::filesystem::path out = json_string(request, "out", origin);
  const bool keep_pictures = json_bool_or(request, "pictures", origin, false);
  const int64_t threads = json_integer_or(request, "threads", origin, 1, 1024, 0);
  if (threads > 0) at::set_num_threads(static_cast<int>(threads));
  check_writable(out / "eval.json");

  eval::EvalResult result = eval::evaluate(eval::eval_request_from_json(request, origin), progress);
  result.report["seconds"] =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  result.report["peak_bytes"] = runtime::peak_resident_bytes();
  std::vector<panels::NamedPicture> pictures = {{"sheet.png", std::move(result.sheet), {}}};
  for (size_t i = 0; keep_pictures && i < result.pictures.size(); ++i) {
    // Ids are any text; places in the list are file names everywhere.
    pictures.push_back({fmt::format("canvas-{:04}.png", i + 1), std::move(result.pictures[i]), {}});
  }
  panels::write_pictures(out, pictures);
  write_file(out / "eval.json", result.report.dump(1) + "\n");

  Json answer = result.report;
  answer.erase("results");
  answer["report"] = (out / "eval.json").native();
  answer["sheet"] = (out / "sheet.png").native();
  return answer;
}

}  // namespace iclora::cli
