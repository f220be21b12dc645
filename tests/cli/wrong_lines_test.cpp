#include <gtest/gtest.h>

#include "cli/program.h"

namespace iclora {
namespace {

using testing_support::expect_refused;
using testing_support::ProgramRun;
using testing_support::run_program;
using testing_support::ScratchFolder;

struct WrongLine {
  std::vector<std::string> arguments;
  std::string part;  ///< of the last line on stderr
  int exit_code = 2;
};

void PrintTo(const WrongLine& line, std::ostream* out) {
  for (const std::string& argument : line.arguments) *out << argument << ' ';
}

/// generate with what it needs, and more.
std::vector<std::string> generate(const std::vector<std::string>& more) {
  std::vector<std::string> line = {"generate", "--model", "no-model", "--prompt",
                                   "a fox",    "--out",   "OUT"};
  line.insert(line.end(), more.begin(), more.end());
  return line;
}

class WrongLineTest : public testing::TestWithParam<WrongLine> {};

TEST_P(WrongLineTest, IsRefusedInOneSentenceAndLeavesNothingBehind) {
  const ScratchFolder scratch;
  std::vector<std::string> arguments = GetParam().arguments;
  for (std::string& argument : arguments) {
    if (argument == "OUT") argument = (scratch / "out").native();
  }
  // Nothing here may depend on a libtorch: the line alone is wrong.
  const ProgramRun run = run_program(arguments, {"TORCH_DIR=/nowhere"});
  expect_refused(run, GetParam().exit_code, GetParam().part);
  EXPECT_EQ(std::count(run.err.begin(), run.err.end(), '\n'), 1) << run.err;
  EXPECT_TRUE(std::filesystem::is_empty(scratch.path()));
}

INSTANTIATE_TEST_SUITE_P(
    Lines, WrongLineTest,
    testing::Values(
        WrongLine{{"genrate"}, "did you mean 'iclora generate'?"},
        WrongLine{{"GENERATE"}, "no command 'GENERATE'"},
        WrongLine{{"--prompt", "x"}, "no option '--prompt' before a command"},
        WrongLine{{"generate"}, "--prompt TEXT is missing"},
        WrongLine{{"generate", "--model", "m"}, "--prompt TEXT is missing"},
        WrongLine{{"generate", "--model", "m", "--prompt", "x"}, "--out DIR|FILE.png is missing"},
        WrongLine{{"generate", "--model", "m", "--promt", "x"}, "did you mean '--prompt'?"},
        WrongLine{{"generate", "--model"}, "'--model' needs a value"},
        WrongLine{{"generate", "--prompt", "--steps", "4"}, "'--steps' follows"},
        WrongLine{{"generate", "--seed", "1", "--seed", "2"}, "'--seed' is given 2 times"},
        WrongLine{generate({"--no-split=yes"}), "'--no-split' takes no value"},
        WrongLine{generate({"--no-split="}), "'--no-split' takes no value"},
        WrongLine{generate({"--task=", "--no-split"}), "--task is empty"},
        WrongLine{generate({"--steps=", "--grid", "1x1"}), "but it is ''"},
        WrongLine{generate({"--task", ""}), "--task is empty"},
        WrongLine{generate({"stray"}), "'stray' was not expected"},
        WrongLine{generate({"--size", "512x512", "--panel", "256x256"}),
                  "--size and --panel contradict each other"},
        WrongLine{generate({"--panel", "100x64"}), "the nearest is 96x64"},
        WrongLine{generate({"--size", "100x64"}), "the nearest is 96x64"},
        WrongLine{generate({"--grid", "3x1", "--size", "64x64"}), "the nearest is 64x48"},
        WrongLine{generate({"--panel", "0x64"}), "--panel"},
        WrongLine{generate({"--panel", "64"}), "must be WIDTHxHEIGHT"},
        WrongLine{generate({"--panel", "64x64x64"}), "must be WIDTHxHEIGHT"},
        WrongLine{generate({"--panel", "-64x64"}), "must be WIDTHxHEIGHT"},
        WrongLine{generate({"--grid", "3"}), "must be ROWSxCOLUMNS"},
        WrongLine{generate({"--grid", "0x2"}), "must be ROWSxCOLUMNS"},
        WrongLine{generate({"--grid", "64x64", "--panel", "1024x1024"}), "larger than"},
        WrongLine{generate({"--grid", "2x1", "--panel-prompt", "a"}), "--panel-prompt is given 1"},
        WrongLine{generate({"--grid", "3x1", "--dialect", "sides"}), "has markers for 2 panels"},
        WrongLine{generate({"--dialect", "verse"}), "scene, image, panel"},
        WrongLine{generate({"--steps", "0"}), "--steps must be a whole number from 1"},
        WrongLine{generate({"--steps", "4.5"}), "--steps must be a whole number"},
        WrongLine{generate({"--steps", "99999999999999999999"}), "--steps must be a whole number"},
        WrongLine{generate({"--guidance", "nan"}), "--guidance must be a number"},
        WrongLine{generate({"--guidance", "inf"}), "--guidance must be a number"},
        WrongLine{generate({"--guidance", "-1"}), "--guidance must be a number"},
        WrongLine{generate({"--guidance", "3,5"}), "--guidance must be a number"},
        WrongLine{generate({"--seed", "-1"}), "--seed must be a whole number"},
        WrongLine{generate({"--seed", "0x10"}), "--seed must be a whole number"},
        WrongLine{generate({"--count", "0"}), "--count must be a whole number"},
        WrongLine{generate({"--text-length", "513"}), "--text-length must be a whole number"},
        WrongLine{generate({"--threads", "0"}), "--threads must be a whole number"},
        WrongLine{generate({"--dtype", "fp16"}), "--dtype must be fp32 or bf16"},
        WrongLine{generate({"--device", "gpu"}), "--device must be cpu or cuda"},
        WrongLine{generate({"--negative-prompt", "x"}), "add --cfg"},
        WrongLine{generate({"--negative-prompt", "x", "--cfg", "1"}), "no effect with --cfg 1"},
        WrongLine{generate({"--cfg", "0"}), "--cfg must be a number from 1"},
        WrongLine{generate({"--lora", "/no/such.safetensors"}), "does not exist"},
        WrongLine{generate({"--lora", "/no/such.safetensors:0.5"}), "'/no/such.safetensors'"},
        WrongLine{generate({"--lora", ":0.5"}), "FILE or FILE:STRENGTH"},
        WrongLine{generate({"--lora", "/dev/null:1e9"}), "the strength of --lora"},
        WrongLine{generate({"--lora", "/tmp"}), "is a folder"},
        WrongLine{generate({"--noise", "/no/noise.safetensors"}), "does not exist"},
        WrongLine{generate({"--save-latents", ""}), "--save-latents is empty"},
        WrongLine{generate({"--save-latents", "/tmp"}), "is a folder"},
        WrongLine{generate({"--save-latents", "/proc/none/l.safetensors"}), "/proc", 6},
        WrongLine{{"generate", "--from", "/no/picture.png", "--out", "OUT"}, "does not exist"},
        WrongLine{{"generate", "--model", "m", "--prompt", "x", "--out", "x.jpg"},
                  "pictures are written as PNG"},
        WrongLine{{"generate", "--model", "m", "--prompt", "x", "--out", "x.PNG"},
                  "the ending of a picture is written .png"},
        WrongLine{{"generate", "--model", "m", "--prompt", "x", "--out", ""}, "--out is empty"},
        WrongLine{{"generate", "--model", "m", "--prompt", "x", "--out", "/dev/null"},
                  "which is a file"},
        WrongLine{{"generate", "--model", "m", "--prompt", "x", "--out", "/proc/none"}, "/proc", 6},
        WrongLine{generate({}), "TORCH_DIR is '/nowhere'"},
        WrongLine{{"split"}, "the picture (IMAGE) is missing"},
        WrongLine{{"split", "x.png"}, "--out DIR is missing"},
        WrongLine{{"split", "/no/picture.png", "--out", "OUT"}, "/no/picture.png"},
        WrongLine{{"split", "/dev/null", "--out", "OUT"}, "/dev/null"},
        WrongLine{{"split", "/tmp", "--out", "OUT"}, "/tmp"},
        WrongLine{{"split", "a.png", "b.png", "--out", "OUT"}, "'b.png' was not expected"},
        WrongLine{{"split", "a.png", "--grid", "2", "--out", "OUT"}, "must be ROWSxCOLUMNS"},
        WrongLine{{"split", "a.png", "--out", "/dev/null"}, "which is a file"},
        WrongLine{{"inspect"}, "(PATH) is missing"},
        WrongLine{{"inspect", "/no/such"}, "does not exist"},
        WrongLine{{"inspect", "/dev/null"}, "is neither a file nor a folder"},
        WrongLine{{"inspect", "--jsom", "x"}, "did you mean '--json'?"}));

}  // namespace
}  // namespace iclora
