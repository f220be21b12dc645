#include "cli/library/study.h"

#include <algorithm>

#include "cli/build_id.h"
#include "core/error.h"
#include "core/file.h"
#include "study/page.h"
#include "study/plan.h"
#include "study/report.h"
#include "study/study.h"

namespace iclora::cli {
namespace {

namespace fs = std::filesystem;

/// Tasks that are to be worked on; each is one of the plan's.
std::vector<std::string> only_of(const Json& names, const study::Plan& plan) {
  std::vector<std::string> all, out;
  for (const auto& task : plan.tasks) all.push_back(task.name);
  for (const Json& name : names) {
    out.push_back(name.get<std::string>());
    if (std::find(all.begin(), all.end(), out.back()) != all.end()) continue;
    fail_input("--only names '{}', but the plan's tasks are {}.", printable(out.back()),
               fmt::join(all, ", "));
  }
  return out;
}

study::Plan plan_of(const Json& request, const study::StudyOptions& options) {
  const std::string origin = "the request";
  study::Plan plan =
      study::read_plan(json_string(request, "plan", origin), json_string(request, "cache", origin));
  if (request.contains("model")) plan.model = json_string(request, "model", origin);
  if (request.contains("classifier")) {
    plan.draw.classifier = json_string(request, "classifier", origin);
  }
  plan.draw.model_search = options.model_search;
  return plan;
}

}  // namespace

Json eval_plan(const Json& request, Progress& progress) {
  const std::string origin = "the request";
  study::StudyOptions options;
  options.out = json_string(request, "out", origin);
  options.encodings = fs::path(json_string(request, "cache", origin)) / "encodings";
  options.build = std::string(build_id());
  for (const Json& folder : request.at("model_search")) {
    options.model_search.emplace_back(folder.get<std::string>());
  }
  const study::Plan plan = plan_of(request, options);
  options.only = only_of(request.value("only", Json::array()), plan);
  if (json_bool_or(request, "dry_run", origin, false)) {
    Json work = Json::array();
    for (const study::Work& one : study::work_of(plan, options)) {
      work.push_back(
          {{"task", one.task}, {"what", one.what}, {"training", one.training}, {"done", one.done}});
    }
    return {{"work", work}};
  }
  const fs::path report_file = options.out / "study.json", page_file = options.out / "study.html";
  check_writable(report_file);
  Json report;
  study::run_study(
      plan, options,
      [&](const study::Study& study) {
        report = study::report_json(study);
        create_folders(options.out);
        write_file(report_file, report.dump(1) + "\n");
        write_file(page_file, study::study_page(study, options.out / "cells"));
      },
      progress);
  report["report"] = report_file.native();
  report["page"] = page_file.native();
  return report;
}

}  // namespace iclora::cli
