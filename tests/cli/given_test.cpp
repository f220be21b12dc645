// iclora generate --given: from the command line to the files.

#include <gtest/gtest.h>

#include "cli/program.h"
#include "core/json.h"
#include "image/png_chunks.h"

namespace iclora {
namespace {

namespace fs = std::filesystem;
using testing_support::expect_refused;
using testing_support::ProgramRun;
using testing_support::run_program;
using testing_support::ScratchFolder;
using testing_support::text_of_file;

const std::string kToy = ICLORA_FIXTURES "/models/toy-dev";
const std::string kCmyk = ICLORA_FIXTURES "/pictures/cmyk.jpg";

std::vector<std::string> generate(const fs::path& out, const std::vector<std::string>& more) {
  std::vector<std::string> line = {
      "generate", "--model", kToy,      "--prompt",  "[LEFT] a mug [RIGHT] the same mug",
      "--panel",  "32x32",   "--steps", "2",         "--seed",
      "3",        "--json",  "--out",   out.native()};
  line.insert(line.end(), more.begin(), more.end());
  return line;
}

TEST(GivenOption, TheSeamIsReportedAndFromMakesTheSameFiles) {
  const ScratchFolder scratch;
  const ProgramRun run =
      run_program(generate(scratch / "a", {"--given", "1=" + kCmyk, "--condition", "clean",
                                           "--given-timestep", "zero", "--count", "2"}));
  ASSERT_EQ(run.exit_code, 0) << run.err;
  const Json json = Json::parse(run.out);
  ASSERT_EQ(json["given"].size(), 2U);  // one list a canvas
  EXPECT_EQ(json["given"][0][0]["panel"], 1);
  EXPECT_GT(json["given"][0][0]["seam"].get<double>(), 0);
  EXPECT_GT(json["given"][0][0]["decoded"].get<double>(), 0);

  const ProgramRun again =
      run_program({"generate", "--from", (scratch / "a/canvas-02.png").native(), "--out",
                   (scratch / "b.png").native()});
  ASSERT_EQ(again.exit_code, 0) << again.err;
  EXPECT_EQ(text_of_file(scratch / "b.png"), text_of_file(scratch / "a/canvas-02.png"));
  EXPECT_EQ(text_of_file(scratch / "b-panel-2.png"),
            text_of_file(scratch / "a/canvas-02-panel-2.png"));

  // A panel of that canvas, given in its turn.
  const ProgramRun cut = run_program(generate(
      scratch / "c.png", {"--given", "2=" + (scratch / "a/canvas-01.png").native() + "#1"}));
  ASSERT_EQ(cut.exit_code, 0) << cut.err;
}

TEST(GivenOption, WrongOnesAreRefusedAndNothingIsWritten) {
  const ScratchFolder scratch;
  const auto refused = [&](const std::vector<std::string>& more, const std::string& part) {
    expect_refused(run_program(generate(scratch / "out", more)), 2, part);
    EXPECT_FALSE(fs::exists(scratch / "out"));
  };
  refused({"--given", "1=" + kCmyk, "--given", "1=" + kCmyk}, "panel 1 twice");
  refused({"--grid", "1x2", "--given", "3=" + kCmyk}, "panel 3, but the grid 1x2 has 2");
  refused({"--given", "3=" + kCmyk}, "panel 3, but the grid 1x2 has 2");
  refused({"--given", "0=" + kCmyk}, "the panel of --given");
  refused({"--given", kCmyk}, "must be N=IMAGE");
  refused({"--given", "1="}, "must be N=IMAGE");
  refused({"--given", "1=gone.png"}, "does not exist");
  refused({"--given", "1=" + kCmyk + "#2"}, "does not say how it is laid out");
  refused({"--given", "1=" + std::string(ICLORA_FIXTURES) + "/models/lora-a.safetensors"},
          "lora-a.safetensors");
  refused({"--given", "1=" + kCmyk, "--condition", "cleen"}, "did you mean 'clean'?");
  refused({"--given", "1=" + kCmyk, "--strength", "0"}, "--strength");
  refused({"--given", "1=" + kCmyk, "--given", "2=" + kCmyk}, "All 2 panels are given");
  refused({"--condition", "clean"}, "add --given N=IMAGE");
  refused({"--given-attention", "1.3"}, "--given-attention has no effect without");
  for (const char* gain : {"0", "-1", "nan", "inf", "1e999", "much"}) {
    refused({"--given", "1=" + kCmyk, "--given-attention", gain},
            "--given-attention must be a number above 0");
  }
}

TEST(MethodOption, IsKeptByThePictureAndReplacedByTheLine) {
  const ScratchFolder scratch;
  const auto made = [&](const char* out, const std::vector<std::string>& more) {
    const ProgramRun run = run_program(generate(scratch / out, more));
    EXPECT_EQ(run.exit_code, 0) << run.err;
    return text_of_file(scratch / out);
  };
  const auto again = [&](const char* from, const std::vector<std::string>& more) {
    std::vector<std::string> line = {"generate", "--from", (scratch / from).native(), "--out",
                                     (scratch / "again.png").native()};
    line.insert(line.end(), more.begin(), more.end());
    EXPECT_EQ(run_program(line).exit_code, 0);
    return text_of_file(scratch / "again.png");
  };
  const std::string canvas = made("canvas.png", {});
  EXPECT_EQ(made("same.png", {"--method", "canvas"}), canvas);
  const std::string gdt =
      made("gdt.png", {"--method", "gdt", "--given", "1=" + kCmyk, "--given-attention", "1.3"});
  EXPECT_EQ(again("gdt.png", {}), gdt);
  EXPECT_NE(again("gdt.png", {"--given-attention", "1"}), gdt);
  EXPECT_NE(again("gdt.png", {"--method", "canvas"}), gdt);

  expect_refused(run_program(generate(scratch / "out", {"--method", "gtd"})), 2,
                 "did you mean 'gdt'?");
  expect_refused(run_program(generate(scratch / "out", {"--method", "gdt", "--grid", "3x1"})), 2,
                 "2 parts for 3 panels");
  EXPECT_FALSE(fs::exists(scratch / "out"));
}

TEST(GivenOption, RedoAndExtendKeepWhatIsThere) {
  const ScratchFolder scratch;
  ASSERT_EQ(run_program(generate(scratch / "a.png", {})).exit_code, 0);
  const auto from = [&](const std::vector<std::string>& more) {
    std::vector<std::string> line = {"generate", "--from", (scratch / "a.png").native(), "--out",
                                     (scratch / "b.png").native()};
    line.insert(line.end(), more.begin(), more.end());
    return run_program(line);
  };
  const ProgramRun redone = from({"--redo", "2", "--seed", "9", "--json"});
  ASSERT_EQ(redone.exit_code, 0) << redone.err;
  EXPECT_EQ(Json::parse(redone.out)["given"][0][0]["panel"], 1);
  EXPECT_NE(text_of_file(scratch / "b.png"), text_of_file(scratch / "a.png"));
  const ProgramRun longer = from({"--extend", "once more the same mug", "--json"});
  ASSERT_EQ(longer.exit_code, 0) << longer.err;
  EXPECT_EQ(Json::parse(longer.out)["panels"][0].size(), 3U);

  expect_refused(from({"--redo", "3"}), 2, "panel 3");
  expect_refused(from({"--redo", "1", "--extend", "x"}), 2, "two runs");
  expect_refused(from({"--redo", "1", "--given", "1=" + kCmyk}), 2, "--given contradicts --redo");
  expect_refused(from({"--extend", "x", "--prompt", "y"}), 2, "leave --prompt");
  expect_refused(run_program(generate(scratch / "c", {"--redo", "1"})), 2, "add --from PICTURE");
}

// The adapter of a picture's task gives way to the one for given panels, and does not come on top.
TEST(TaskOption, WithGivenPanelsItIsTheAdapterThatWasTrainedForThem) {
  const ScratchFolder scratch;
  const fs::path zoo = scratch / "cache/iclora/models/zoo";
  fs::create_directories(zoo);
  const std::string fixtures = ICLORA_FIXTURES "/models/";
  fs::copy_file(fixtures + "lora-a.safetensors", zoo / "mugs.safetensors");
  fs::copy_file(fixtures + "lora-b.safetensors", zoo / "mugs-given.safetensors");
  const auto adapters = [&](const std::string& out, std::vector<std::string> line) {
    line.insert(line.end(), {"--task", "mugs"});
    const ProgramRun run = run_program(line, {"XDG_CACHE_HOME=" + (scratch / "cache").native()});
    EXPECT_EQ(run.exit_code, 0) << run.err;
    std::vector<std::string> names;
    const Json about = Json::parse(image::read_texts(scratch / out).at("iclora"));
    for (const Json& one : about["request"]["loras"]) {
      names.push_back(fs::path(one["file"].get<std::string>()).filename().native());
    }
    return names;
  };
  const std::vector<std::string> redo = {
      "generate", "--from", (scratch / "a.png").native(), "--redo",
      "2",        "--out",  (scratch / "b.png").native()};
  using Names = std::vector<std::string>;
  EXPECT_EQ(adapters("a.png", generate(scratch / "a.png", {})), Names{"mugs.safetensors"});
  EXPECT_EQ(adapters("b.png", redo), Names{"mugs-given.safetensors"});
}

}  // namespace
}  // namespace iclora
