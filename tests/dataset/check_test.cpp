#include "dataset/check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string_view>

#include "seeded_fault.h"

namespace iclora::dataset {

TEST_P(SeededFault, IsFoundWithItsFileAndItsRemedy) {
  const testing_support::ScratchFolder scratch;
  GetParam().make(scratch.path());
  const Report report = check(scratch.path(), {GetParam().data, {}});
  const Problem* found = find_problem(report.problems, GetParam().file, GetParam().what);
  ASSERT_TRUE(found) << all_lines(report.problems);
  EXPECT_EQ(found->level, GetParam().level) << line_of(*found);
  EXPECT_TRUE(found->remedy.ends_with('.')) << line_of(*found);
  EXPECT_TRUE(found->file.starts_with(scratch.path().native())) << line_of(*found);
  // One fault does not drag a crowd of others along.
  EXPECT_LE(report.problems.size(), 8U) << all_lines(report.problems);
  if (found->level == Level::error && GetParam().file.starts_with("set-2/caption.")) {
    EXPECT_FALSE(find_problem(report.problems, GetParam().file, "has no markers"));
  }
}

namespace {

using testing_support::ScratchFolder;

TEST(Check, IsSeededWithEightyFaults) {
  int faults = 0;
  const testing::UnitTest& all = *testing::UnitTest::GetInstance();
  for (int i = 0; i < all.total_test_suite_count(); ++i) {
    const testing::TestSuite& suite = *all.GetTestSuite(i);
    if (std::string_view(suite.name()).ends_with("/SeededFault")) {
      faults += suite.total_test_count();
    }
  }
  EXPECT_GE(faults, 80);
}

TEST(Check, FindsNothingInGoodDataSetsOfAnyForm) {
  for (const auto& make : std::vector<std::function<void(const fs::path&)>>{
           put_folders, put_canvases, [](auto& r) { put_manifest(r); }}) {
    const ScratchFolder scratch;
    make(scratch.path());
    const Report report = check(scratch.path(), {});
    EXPECT_EQ(all_lines(report.problems), "");
    EXPECT_EQ(report.sets, 4U);
    ASSERT_EQ(report.grids.size(), 1U);
    EXPECT_EQ(report.grids[0].second, 4U);
  }
}

TEST(Check, FindsAllFaultsOfADataSetAtOnce) {
  const ScratchFolder scratch;
  put_folders(scratch.path());
  put_text(scratch / "set-1/1.png", "junk");
  fs::remove(scratch / "set-2/caption.txt");
  put_text(scratch / "set-3/caption.txt", "[FILM] x [SCENE-1] a [SCENE-3] b");
  put_photo(scratch / "set-4/2.png", 36, 24, 9);
  const Report report = check(scratch.path(), {});
  EXPECT_TRUE(find_problem(report.problems, "set-1/1.png", "not a picture"));
  EXPECT_TRUE(find_problem(report.problems, "set-2", "no caption"));
  EXPECT_TRUE(find_problem(report.problems, "set-3/caption.txt", "[SCENE-2] is missing"));
  EXPECT_TRUE(find_problem(report.problems, "set-4/2.png", "too small"));
  const Json json = report_to_json(report);
  EXPECT_EQ(json["sets"], 4);
  EXPECT_EQ(json["problems"].size(), report.problems.size());
  EXPECT_EQ(json["grids"][0]["grid"], "3x1");
}

TEST(Check, MeasuresCaptionsWithTheModelsTokenizer) {
  const ScratchFolder scratch;
  put_folders(scratch.path());
  CheckOptions options;
  options.tokens = token_limit_of_model(ICLORA_FIXTURES "/models/toy-dev");
  ASSERT_TRUE(options.tokens.count);
  const int64_t tokens = options.tokens.count(kCaptions[0]);
  EXPECT_GT(tokens, 10);
  options.tokens.limit = tokens;
  EXPECT_FALSE(
      find_problem(check(scratch.path(), options).problems, "set-1/caption.txt", "tokens"));
  options.tokens.limit = tokens - 1;
  const Report report = check(scratch.path(), options);
  EXPECT_TRUE(
      find_problem(report.problems, "set-1/caption.txt",
                   fmt::format("has {} tokens, but the text encoder reads {}", tokens, tokens - 1)))
      << all_lines(report.problems);
}

}  // namespace
}  // namespace iclora::dataset
