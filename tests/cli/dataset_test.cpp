#include <gtest/gtest.h>

#include "cli/program.h"
#include "core/json.h"
#include "image/png_write.h"
#include "image/read.h"

namespace iclora {
namespace {

using testing_support::expect_refused;
using testing_support::ProgramRun;
using testing_support::ScratchFolder;

/// Nothing here may need a libtorch.
ProgramRun run_dataset(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "dataset");
  return testing_support::run_program(arguments, {"TORCH_DIR=/nowhere"});
}

void put_text(const std::filesystem::path& path, const std::string& text) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << text;
}

/// Waves, different for each seed.
void put_picture(const std::filesystem::path& path, int seed) {
  image::Image picture(64, 48);
  for (int64_t y = 0; y < 48; ++y) {
    for (int64_t x = 0; x < 64; ++x) {
      picture.row(y)[x * 3] = static_cast<uint8_t>(x * (3 + seed % 7));
      picture.row(y)[x * 3 + 1] = static_cast<uint8_t>(y * (2 + seed % 5) + seed * 40);
      picture.row(y)[x * 3 + 2] = static_cast<uint8_t>((x + seed * 13) * (y + seed) / 9);
    }
  }
  put_text(path, image::encode_png(picture));
}

void put_sets(const std::filesystem::path& root) {
  for (int set = 1; set <= 2; ++set) {
    const auto folder = root / std::to_string(set);
    put_picture(folder / "1.png", set * 10 + 1);
    put_picture(folder / "2.png", set * 10 + 2);
    put_text(folder / "caption.txt",
             "mug number " + std::to_string(set) + " [LEFT] red [RIGHT] blue");
  }
}

TEST(DatasetCheck, SaysNothingOfAGoodDataSet) {
  const ScratchFolder scratch;
  put_sets(scratch.path());
  const ProgramRun run = run_dataset({"check", scratch.path().native(), "--json"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(parse_json(run.out, "check"),
            parse_json(R"({"sets":2,"grids":[{"grid":"1x2","sets":2}],"problems":[]})", "x"));
  EXPECT_EQ(run_dataset({"check", scratch.path().native()}).out, "2 sets: 2 of 1x2\n");
}

TEST(DatasetCheck, ExitsWithTwoAndTellsEverythingWhenThereAreErrors) {
  const ScratchFolder scratch;
  put_sets(scratch.path());
  put_text(scratch / "1/2.png", "junk");
  put_text(scratch / "2/caption.txt", "x [LEFT] red");
  const ProgramRun run = run_dataset({"check", scratch.path().native(), "--json"});
  EXPECT_EQ(run.exit_code, 2);
  const Json report = parse_json(run.out, "check");
  ASSERT_EQ(report["problems"].size(), 2U) << run.out;
  for (const Json& problem : report["problems"]) {
    EXPECT_EQ(problem.size(), 4U);
    EXPECT_FALSE(problem["remedy"].get<std::string>().empty());
  }
  EXPECT_EQ(report["problems"][0]["file"], (scratch / "1/2.png").native());
  EXPECT_EQ(report["problems"][0]["level"], "error");
  EXPECT_NE(run.last_error_line().find("has 2 errors"), std::string::npos) << run.err;
  const ProgramRun text = run_dataset({"check", scratch.path().native()});
  EXPECT_EQ(text.exit_code, 2);
  EXPECT_NE(text.out.find("error: " + (scratch / "1/2.png").native()), std::string::npos);
}

TEST(DatasetCheck, CountsTokensWithAModelFolder) {
  const ScratchFolder scratch;
  put_sets(scratch.path());
  std::string words = "x";
  for (int i = 0; i < 70; ++i) words += " red";
  put_text(scratch / "2/caption.txt", words + " [LEFT] red [RIGHT] blue");
  EXPECT_EQ(run_dataset({"check", scratch.path().native()}).exit_code, 0);
  const ProgramRun run = run_dataset({"check", scratch.path().native(), "--model",
                                      std::string(ICLORA_FIXTURES) + "/models/toy-dev"});
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_NE(run.out.find("tokens, but the text encoder reads 64"), std::string::npos) << run.out;
  // The same of a model's name.
  put_text(scratch / "2/caption.txt", words + " yellow" + words + " [LEFT] red [RIGHT] blue");
  const ProgramRun named = run_dataset({"check", scratch.path().native(), "--model", "flux-mini"});
  EXPECT_EQ(named.exit_code, 2);
  EXPECT_NE(named.out.find("tokens, but the text encoder reads 128"), std::string::npos)
      << named.out;
}

TEST(DatasetBuild, WritesADataSetThatChecksClean) {
  const ScratchFolder scratch;
  put_sets(scratch / "in");
  for (const std::string form : {"folders", "manifest", "canvases"}) {
    const std::string out = (scratch / form).native();
    const ProgramRun run =
        run_dataset({"build", (scratch / "in").native(), "--form", form, "--out", out, "--json"});
    ASSERT_EQ(run.exit_code, 0) << run.err;
    const Json report = parse_json(run.out, "build");
    EXPECT_EQ(report["sets"], 2);
    EXPECT_EQ(report["pictures"], 4);
    const ProgramRun check = run_dataset({"check", out, "--json"});
    EXPECT_EQ(check.exit_code, 0) << check.err;
    EXPECT_EQ(parse_json(check.out, "check")["grids"][0]["grid"], "1x2") << form;
    EXPECT_EQ(parse_json(check.out, "check")["problems"].size(), 0U) << check.out;
  }
  expect_refused(
      run_dataset({"build", (scratch / "in").native(), "--out", (scratch / "folders").native()}), 2,
      "is not empty");
}

TEST(DatasetShow, DrawsAPicture) {
  const ScratchFolder scratch;
  put_sets(scratch / "in");
  const std::string out = (scratch / "sheets/sheet.png").native();
  const ProgramRun run = run_dataset({"show", (scratch / "in").native(), "--out", out});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(run.out, out + "\n");
  EXPECT_EQ(image::read_image(out).width, 1600);
}

TEST(Dataset, RefusesWrongLinesInOneSentence) {
  const ScratchFolder scratch;
  put_sets(scratch / "in");
  const std::string in = (scratch / "in").native(), out = (scratch / "out").native();
  struct Case {
    std::vector<std::string> line;
    std::string part;
  };
  for (const Case& c : std::vector<Case>{
           {{}, "dataset: what to do is missing"},
           {{"chek", in}, "did you mean 'iclora dataset check'?"},
           {{"--json", "check"}, "no option '--json' before a command"},
           {{"check"}, "dataset check: the data set (PATH) is missing"},
           {{"check", in, in}, "was not expected"},
           {{"check", in, "--gird", "1x2"}, "did you mean '--grid'?"},
           {{"check", in, "--grid", "two"}, "ROWSxCOLUMNS"},
           {{"check", in, "--panel", "100x64"}, "the nearest is 96x64"},
           {{"check", in, "--gutter", "9"}, "the nearest is 16"},
           {{"check", in, "--fit", "squeeze"}, "--fit must be cover or contain"},
           {{"check", in, "--centre", "0.5"}, "--centre must be X,Y"},
           {{"check", in, "--centre", "0.5,2"}, "--centre Y must be a number from 0 to 1"},
           {{"check", in, "--dialect", "verse"}, "scene, image, panel"},
           {{"check", in, "--resolution", "8"}, "--resolution must be a whole number from 16"},
           {{"check", in, "--model", out}, "out"},
           {{"check", out}, "is not there"},
           {{"build", in}, "--out DIR is missing"},
           {{"build", in, "--out", ""}, "--out is empty"},
           {{"build", in, "--out", out, "--form", "zip"}, "--form must be folders, manifest"},
           {{"build", in, "--out", out, "--resolution", "64", "--resolution", "32"},
            "at one resolution"},
           {{"build", in, "--out", out, "--grid", "3x1"}, "The grid 3x1 has 3 panels"},
           {{"show", in, "--out", out}, "ends in .png"},
           {{"show", in, "--out", out + ".png", "--columns", "0"}, "--columns"},
           {{"show", in, "--out", out + ".png", "--columns", "30"}, "cannot have 30 columns"},
       }) {
    expect_refused(run_dataset(c.line), 2, c.part);
  }
  EXPECT_FALSE(std::filesystem::exists(out));
  EXPECT_FALSE(std::filesystem::exists(out + ".png"));
}

TEST(Dataset, HelpHasExamplesAtBothLevels) {
  for (const std::vector<std::string>& line : std::vector<std::vector<std::string>>{
           {"--help"}, {"check", "--help"}, {"build", "-h"}, {"show", "--help"}}) {
    const ProgramRun run = run_dataset(line);
    EXPECT_EQ(run.exit_code, 0);
    EXPECT_NE(run.out.find("Examples:\n"), std::string::npos) << run.out;
    EXPECT_NE(run.out.find("Usage: iclora dataset"), std::string::npos) << run.out;
  }
}

}  // namespace
}  // namespace iclora
