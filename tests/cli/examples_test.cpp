// The data sets and models that come with the program.

#include <gtest/gtest.h>

#include "core/json.h"
#include "program.h"

namespace iclora {
namespace {

namespace fs = std::filesystem;
using testing_support::run_program;

TEST(Examples, EveryTaskHasFortySetsToTrainOnAndTwentyOthers) {
  int tasks = 0;
  for (const auto& entry : fs::directory_iterator(ICLORA_FIXTURES "/../../examples")) {
    if (!entry.is_directory()) continue;
    ++tasks;
    const Json task = read_json(entry.path() / "task.json");
    for (const auto& [part, count] : {std::pair("train", 40), {"held-out", 20}}) {
      const auto run = run_program({"dataset", "check", (entry.path() / part).native(), "--json"});
      ASSERT_EQ(run.exit_code, 0) << run.err;
      const Json report = parse_json(run.out, "report");
      EXPECT_EQ(report.at("sets"), count) << entry.path();
      for (const Json& problem : report.at("problems")) {
        EXPECT_EQ(problem.at("level"), "warning") << problem;
      }
      ASSERT_EQ(report.at("grids").size(), 1U);
      EXPECT_EQ(report.at("grids")[0].at("grid"), task.at("grid"));
    }
  }
  EXPECT_EQ(tasks, 10);
}

}  // namespace
}  // namespace iclora
