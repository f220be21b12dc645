// The same request gives the same files on any number of threads.

#include <gtest/gtest.h>

#include "cli/program.h"

namespace iclora {
namespace {

namespace fs = std::filesystem;
using testing_support::ProgramRun;
using testing_support::run_program;
using testing_support::ScratchFolder;
using testing_support::text_of_file;

constexpr const char* kModel = ICLORA_FIXTURES "/models/toy-dev";

class Threads : public testing::TestWithParam<const char*> {};

TEST_P(Threads, ChangeNoByteOfWhatGenerateWrites) {
  const ScratchFolder scratch;
  // Large enough that every kernel has work for four threads, and that decoding takes two tiles.
  const auto generate = [&](int threads) {
    fs::path out = scratch / std::to_string(threads);
    const ProgramRun run =
        run_program({"generate",
                     "--model",
                     kModel,
                     "--prompt",
                     "three shots [SCENE-1] a fox [SCENE-2] a hill [SCENE-3] the sea",
                     "--panel",
                     "272x208",
                     "--steps",
                     "2",
                     "--seed",
                     "11",
                     "--cfg",
                     "2",
                     "--negative-prompt",
                     "rain",
                     "--count",
                     "2",
                     "--dtype",
                     GetParam(),
                     "--threads",
                     std::to_string(threads),
                     "--save-latents",
                     (out.native() + ".safetensors"),
                     "--out",
                     out.native()});
    EXPECT_EQ(run.exit_code, 0) << run.err;
    return out;
  };
  const fs::path one = generate(1);
  for (const int threads : {2, 3, 4}) {
    SCOPED_TRACE(threads);
    const fs::path other = generate(threads);
    EXPECT_EQ(text_of_file(one.native() + ".safetensors"),
              text_of_file(other.native() + ".safetensors"));
    int files = 0;
    for (const auto& entry : fs::directory_iterator(one)) {
      const fs::path name = entry.path().filename();
      EXPECT_EQ(text_of_file(entry.path()), text_of_file(other / name.native())) << name;
      ++files;
    }
    EXPECT_EQ(files, 2 * 4);
    EXPECT_EQ(std::distance(fs::directory_iterator(other), fs::directory_iterator()), files);
  }
}

INSTANTIATE_TEST_SUITE_P(Dtypes, Threads, testing::Values("fp32", "bf16"),
                         [](const auto& dtype) { return std::string(dtype.param); });

}  // namespace
}  // namespace iclora
