// iclora convert: from the command line to the file, and on to a picture.

#include <gtest/gtest.h>

#include "cli/program.h"
#include "core/json.h"

namespace iclora {
namespace {

namespace fs = std::filesystem;
using testing_support::expect_refused;
using testing_support::ProgramRun;
using testing_support::run_program;
using testing_support::ScratchFolder;
using testing_support::text_of_file;

const std::string kLora = ICLORA_FIXTURES "/models/lora-a.safetensors";

TEST(Convert, AConvertedFileDrawsTheSamePicture) {
  const ScratchFolder scratch;
  const std::string kohya = (scratch / "kohya.safetensors").native();
  const ProgramRun converted = run_program({"convert", kLora, kohya, "--to", "kohya", "--json"});
  ASSERT_EQ(converted.exit_code, 0) << converted.err;
  const Json said = Json::parse(converted.out);
  EXPECT_EQ(said["lora"], kohya);
  EXPECT_EQ(said["from"], "diffusers");
  EXPECT_EQ(said["to"], "kohya");
  EXPECT_EQ(said["tensors"], 87);
  EXPECT_EQ(said["left_out"], Json::array());

  const ProgramRun inspected = run_program({"inspect", kohya, "--json"});
  ASSERT_EQ(inspected.exit_code, 0) << inspected.err;
  const Json report = Json::parse(inspected.out);
  EXPECT_EQ(report["layout"], "kohya");
  EXPECT_EQ(report["modules"], 46);
  EXPECT_EQ(report["scales"], Json({2.0}));

  const auto latents = [&](const std::string& lora, const std::string& name) {
    const std::string out = (scratch / name).native();
    const std::string model = ICLORA_FIXTURES "/models/toy-dev";
    std::vector<std::string> line = {
        "generate", "--model", model,    "--prompt", "a fox",   "--size", "64x64",
        "--steps",  "2",       "--seed", "1",        "--dtype", "fp32",   "--save-latents"};
    line.insert(line.end(), {out + ".safetensors", "--out", out + ".png"});
    if (!lora.empty()) line.insert(line.end(), {"--lora", lora});
    const ProgramRun drawn = run_program(line);
    EXPECT_EQ(drawn.exit_code, 0) << drawn.err;
    return text_of_file(out + ".safetensors");
  };
  const std::string expected = latents(kLora, "a");
  EXPECT_EQ(latents(kohya, "b"), expected);
  EXPECT_NE(latents("", "c"), expected);
}

TEST(Convert, WrongLinesAreRefusedAndNothingIsWritten) {
  const ScratchFolder scratch;
  const std::string out = (scratch / "out.safetensors").native();
  const auto refused = [&](const std::vector<std::string>& line, const std::string& part) {
    std::vector<std::string> all = {"convert"};
    all.insert(all.end(), line.begin(), line.end());
    expect_refused(run_program(all), 2, part);
    EXPECT_FALSE(fs::exists(out));
  };
  refused({kLora, out}, "--to NAME");
  refused({kLora, "--to", "kohya"}, "the file to write (OUT)");
  refused({kLora, out, "--to", "xlabs"}, "expected diffusers, kohya or comfyui");
  refused({kLora, (scratch / "out.pt").native(), "--to", "kohya"}, "must end in .safetensors");
  refused({(scratch / "none.safetensors").native(), out, "--to", "kohya"}, "none.safetensors");
  fs::copy_file(kLora, scratch / "in.safetensors");
  const std::string in = (scratch / "in.safetensors").native();
  const std::string before = text_of_file(in);
  refused({in, in, "--to", "kohya"}, "is the file that is read");
  EXPECT_EQ(text_of_file(in), before);
}

}  // namespace
}  // namespace iclora
