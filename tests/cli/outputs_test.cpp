// Where a command writes: never over what it reads, never over a device, never twice to one place;
// and what it says when what it reads is taken away.

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <thread>

#include "cli/program.h"
#include "image/png_write.h"
#include "weights/safetensors_writer.h"

namespace iclora {
namespace {

namespace fs = std::filesystem;
using testing_support::expect_refused;
using testing_support::ProgramRun;
using testing_support::run_program;
using testing_support::ScratchFolder;
using testing_support::StartedProgram;
using testing_support::text_of_file;

constexpr const char* kModel = ICLORA_FIXTURES "/models/toy-dev";

class Outputs : public testing::Test {
 protected:
  Outputs() {
    weights::SafetensorsWriter noise(file("noise"),
                                     {{"noise", weights::Dtype::f32, {1, 16, 4, 8}}});
    const std::vector<float> values(512, 0.5F);
    noise.append(std::as_bytes(std::span(values)));
    noise.commit();
    image::write_png(file("given.png"), image::Image(32, 32), {});
  }
  std::string file(const char* name) const { return (scratch_ / name).native(); }
  ProgramRun draw(const std::vector<std::string>& more) const {
    std::vector<std::string> line = {"generate", "--model", kModel,    "--prompt", "a fox",
                                     "--grid",   "1x2",     "--panel", "32x32",    "--steps",
                                     "1",        "--seed",  "1"};
    line.insert(line.end(), more.begin(), more.end());
    return run_program(line);
  }
  size_t entries() const {
    return static_cast<size_t>(
        std::distance(fs::recursive_directory_iterator(scratch_.path()), {}));
  }
  ScratchFolder scratch_;
};

TEST_F(Outputs, NeverReplaceWhatTheRunReads) {
  const std::string noise = text_of_file(file("noise")), given = text_of_file(file("given.png"));
  expect_refused(
      draw({"--noise", file("noise"), "--save-latents", file("./noise"), "--out", file("out")}), 2,
      "from which the noise is read");
  expect_refused(draw({"--given", "1=" + file("given.png"), "--out", file("given.png")}), 2,
                 "from which a given panel is read");
  EXPECT_EQ(text_of_file(file("noise")), noise);
  EXPECT_EQ(text_of_file(file("given.png")), given);
  EXPECT_EQ(entries(), 2U);
}

TEST_F(Outputs, NeverLandInTheModel) {
  fs::copy(kModel, scratch_ / "model", fs::copy_options::recursive);
  const std::string weights = file("model/vae/diffusion_pytorch_model.safetensors");
  const std::string before = text_of_file(weights);
  expect_refused(run_program({"generate", "--model", file("model"), "--prompt", "a fox",
                              "--save-latents", weights, "--out", file("out")}),
                 2, "the model's own folder");
  EXPECT_EQ(text_of_file(weights), before);
  EXPECT_FALSE(fs::exists(file("out")));
}

TEST_F(Outputs, NeverStandTwiceAtOnePlace) {
  expect_refused(draw({"--save-latents", file("a.png"), "--out", file("a.png")}), 2,
                 "choose another file for the latents");
  expect_refused(draw({"--save-latents", file("out/canvas-01-panel-2.png"), "--out", file("out")}),
                 2, "choose another file for the latents");
  EXPECT_EQ(entries(), 2U);
}

TEST_F(Outputs, NeverReplaceAPipeOrADevice) {
  ASSERT_EQ(::mkfifo(file("pipe").c_str(), 0600), 0);
  ASSERT_EQ(::mkfifo(file("pipe.png").c_str(), 0600), 0);
  expect_refused(draw({"--save-latents", file("pipe"), "--out", file("out")}), 6, "a pipe");
  expect_refused(draw({"--out", file("pipe.png")}), 6, "a pipe");
  EXPECT_TRUE(fs::is_fifo(file("pipe")));
  EXPECT_TRUE(fs::is_fifo(file("pipe.png")));
  EXPECT_EQ(entries(), 4U);
}

TEST_F(Outputs, AreNeverTooLargeToBeReadAgain) {
  expect_refused(run_program({"generate", "--model", kModel, "--prompt", "a fox", "--panel",
                              "16384x16384", "--out", file("out")}),
                 2, "more than 67108864 pixels");
  EXPECT_EQ(entries(), 2U);
}

TEST_F(Outputs, LatentsGoIntoAFolderThatIsNotThereYet) {
  const ProgramRun run = draw({"--save-latents", file("new/deep/latents"), "--out", file("out")});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_TRUE(fs::exists(file("new/deep/latents")));
}

TEST(Inputs, AFileThatIsCutWhileItIsReadEndsInASentence) {
  const ScratchFolder scratch;
  fs::copy(kModel, scratch / "model", fs::copy_options::recursive);
  StartedProgram program({"generate", "--model", (scratch / "model").native(), "--prompt", "a fox",
                          "--panel", "64x64", "--steps", "10000", "--dtype", "fp32", "--out",
                          (scratch / "out.png").native()});
  while (!program.ended() && program.err().find("sampling") == std::string::npos) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  fs::resize_file(scratch / "model/transformer/diffusion_pytorch_model.safetensors", 5000);
  EXPECT_EQ(program.wait(), 2);
  const std::string said = program.err();
  EXPECT_TRUE(
      said.ends_with("\niclora: a file was cut short while it was being read, or its disk "
                     "failed; put it back whole and run again\n"))
      << said;
  EXPECT_FALSE(fs::exists(scratch / "out.png"));
}

TEST_F(Outputs, SplitNeverReplacesItsOwnPicture) {
  image::write_png(file("2.png"), image::Image(32, 32), {});
  const std::string before = text_of_file(file("2.png"));
  expect_refused(run_program({"split", file("2.png"), "--grid", "2x1", "--out", file(".")}), 2,
                 "replaced by one of its own panels");
  EXPECT_EQ(text_of_file(file("2.png")), before);
  EXPECT_FALSE(fs::exists(file("1.png")));
}

}  // namespace
}  // namespace iclora
