// What the program does where the disk is full: exit 6, one sentence, nothing half-written; a
// training waits.

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <functional>
#include <map>
#include <thread>

#include "cli/program.h"
#include "cli/small_disk.h"
#include "core/hash.h"
#include "core/json.h"
#include "image/png_write.h"
#include "image/read.h"
#include "weights/checkpoint.h"

namespace iclora {
namespace {

namespace fs = std::filesystem;
using testing_support::expect_refused;
using testing_support::ProgramRun;
using testing_support::run_program;
using testing_support::ScratchFolder;
using testing_support::SmallDisk;
using testing_support::StartedProgram;
using testing_support::text_of_file;

const std::string kModel = ICLORA_FIXTURES "/models/toy-dev";

#define NEED(disk) \
  if (!(disk).mounted()) GTEST_SKIP() << "this user may not mount a file system here"

/// A picture that does not compress.
image::Image noisy_picture(int64_t width, int64_t height) {
  image::Image picture(width, height);
  uint32_t state = 1;
  for (uint8_t& value : picture.rgb) {
    state = state * 1664525 + 1013904223;
    value = static_cast<uint8_t>(state >> 24);
  }
  return picture;
}

TEST(FullDisk, StopsGenerateWithNothingHalfWritten) {
  const SmallDisk disk(256);
  NEED(disk);
  // Room for a canvas, or for a canvas and a panel, or not for one: never for all.
  for (const uint64_t room : {0, 4096, 12288, 20480, 36864}) {
    SCOPED_TRACE(room);
    disk.fill(room);
    const ProgramRun run = run_program(
        {"generate", "--model", kModel, "--prompt", "[LEFT] a [RIGHT] b", "--panel", "64x64",
         "--steps", "1", "--seed", "1", "--save-latents",
         (disk / "new/latents.safetensors").native(), "--out", (disk / "out").native()});
    EXPECT_EQ(run.exit_code, 6) << run.err;
    EXPECT_EQ(run.out, "");
    EXPECT_NE(run.last_error_line().find("o space left"), std::string::npos) << run.err;
    EXPECT_EQ(run.last_error_line().rfind("iclora: ", 0), 0U) << run.err;
    EXPECT_EQ(disk.entries(), 0);
    disk.make_room();
  }
  const ProgramRun run =
      run_program({"generate", "--model", kModel, "--prompt", "[LEFT] a [RIGHT] b", "--panel",
                   "64x64", "--steps", "1", "--seed", "1", "--out", (disk / "out").native()});
  EXPECT_EQ(run.exit_code, 0) << run.err;
}

TEST(FullDisk, StopsInitWithNothingHalfWritten) {
  const SmallDisk disk(4096);
  NEED(disk);
  const ScratchFolder scratch;
  std::ofstream(scratch / "config.yaml") << "preset: toy\n";
  const auto init = [&] {
    return run_program({"init", (scratch / "config.yaml").native(), "--dtype", "fp32", "--json",
                        "--out", (disk / "new/model").native()});
  };
  // Where the weights alone cannot fit, nothing is begun.
  for (const uint64_t room : {0, 65536, 2 << 20}) {
    SCOPED_TRACE(room);
    disk.fill(room);
    const ProgramRun run = init();
    expect_refused(run, 6, "bytes are needed there");
    EXPECT_EQ(run.err.find("writing"), std::string::npos) << run.err;
    EXPECT_EQ(disk.entries(), 0);
    disk.make_room();
  }
  // Where they fit but not all that stands around them, it ends on the way.
  const ProgramRun made = init();
  ASSERT_EQ(made.exit_code, 0) << made.err;
  const auto weights = parse_json(made.out, "init")["parameters"].get<uint64_t>() * 4;
  std::filesystem::remove_all(disk / "new");
  disk.fill(weights + 8192);
  const ProgramRun late = init();
  expect_refused(late, 6, "o space left");
  EXPECT_NE(late.err.find("writing"), std::string::npos) << late.err;
  EXPECT_EQ(disk.entries(), 0);
}

TEST(FullDisk, StopsSplitWithNothingHalfWritten) {
  const SmallDisk disk(256);
  NEED(disk);
  const ScratchFolder scratch;
  image::write_png(scratch / "canvas.png", noisy_picture(96, 192), {});
  const std::vector<std::string> line = {"split",  (scratch / "canvas.png").native(),
                                         "--grid", "2x1",
                                         "--out",  (disk / "out").native()};
  for (const uint64_t room : {0, 4096, 32768, 45056}) {
    SCOPED_TRACE(room);
    disk.fill(room);
    expect_refused(run_program(line), 6, "o space left");
    EXPECT_EQ(disk.entries(), 0);
    disk.make_room();
  }
  EXPECT_EQ(run_program(line).exit_code, 0);
}

/// Values of the LoRA files, and the log without its times.
std::map<std::string, std::string> outcome(const fs::path& out) {
  std::map<std::string, std::string> found;
  for (const auto& entry : fs::directory_iterator(out / "lora")) {
    Sha256 hash;
    const auto file = weights::Checkpoint::open(entry.path());
    for (const auto& [key, tensor] : file.tensors()) {
      hash.update(key);
      hash.update(tensor.bytes);
    }
    found[entry.path().filename().native()] = hash.hex();
  }
  std::istringstream lines(text_of_file(out / "metrics.jsonl"));
  for (std::string text; std::getline(lines, text);) {
    Json json = parse_json(text, "metrics.jsonl");
    json.erase("seconds");
    found["metrics"] += json.dump() + "\n";
  }
  return found;
}

/// Waits for `condition` as long as the program runs.
bool wait_for(const StartedProgram& program, const std::function<bool()>& condition) {
  while (!condition()) {
    if (program.ended()) return condition();
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

/// A save that fails gives back what it had taken: that is taken too.
void fill_until_it_waits(const StartedProgram& program, const SmallDisk& disk) {
  ASSERT_TRUE(wait_for(program, [&] {
    disk.fill();
    return program.err().find("waits until") != std::string::npos;
  })) << program.err();
  disk.fill();
}

class TrainingOnASmallDisk : public testing::Test {
 protected:
  TrainingOnASmallDisk() {
    fs::create_directories(scratch_ / "sets");
    for (const char* name : {"a", "b"}) {
      image::write_png(scratch_ / "sets" / (std::string(name) + ".png"), noisy_picture(32, 32), {});
      std::ofstream(scratch_ / "sets" / (std::string(name) + ".txt")) << "picture " << name;
    }
    std::ofstream(scratch_ / "train.yaml")
        << "model: " << kModel << "\ndata: {path: " << (scratch_ / "sets").native()
        << "}\nlora: {rank: 2}\n"
        << "train: {steps: 60, batch: 1, learning_rate: 1e-3, threads: 1}\n"
        << "sample: {every: 10, steps: 1, prompts: [one picture]}\n"
        << "save: {every: 5, keep: 2}\n";
  }
  std::vector<std::string> line(const fs::path& out) const {
    return {"train", (scratch_.path() / "train.yaml").native(), "--out", out.native()};
  }
  std::vector<std::string> environment() const {
    return {"XDG_CACHE_HOME=" + (scratch_.path() / "cache").native()};
  }
  void begin_with_part_on(const SmallDisk& disk, const std::string& part);
  ScratchFolder scratch_;
};

TEST_F(TrainingOnASmallDisk, WaitsForRoomSayingHowMuchAndGoesOn) {
  const SmallDisk disk(32 * 1024);
  NEED(disk);
  StartedProgram program(line(disk / "out"), environment());
  const auto saved = [&](int64_t step) {
    return fs::exists(disk / ("out/checkpoints/00000" + std::to_string(step)) / "manifest.json");
  };
  ASSERT_TRUE(wait_for(program, [&] { return saved(5); })) << program.err();
  fill_until_it_waits(program, disk);
  EXPECT_FALSE(program.ended());
  EXPECT_NE(program.err().find("bytes"), std::string::npos) << program.err();
  // The last good state is whole: another run goes on from a copy of it.
  fs::copy(disk / "out", scratch_ / "copy", fs::copy_options::recursive);
  disk.make_room();
  EXPECT_EQ(program.wait(), 0) << program.err();
  EXPECT_NE(program.err().find("room again"), std::string::npos) << program.err();

  std::vector<std::string> resume = line(scratch_ / "copy");
  resume.emplace_back("--resume");
  const ProgramRun resumed = run_program(resume, environment());
  EXPECT_EQ(resumed.exit_code, 0) << resumed.err;
  const ProgramRun unbroken = run_program(line(scratch_ / "unbroken"), environment());
  EXPECT_EQ(unbroken.exit_code, 0) << unbroken.err;
  EXPECT_EQ(outcome(disk / "out"), outcome(scratch_ / "unbroken"));
  EXPECT_EQ(outcome(scratch_ / "copy"), outcome(scratch_ / "unbroken"));
  // No sample was lost to the wait either.
  for (int step = 10; step <= 60; step += 10) {
    const std::string name = fmt::format("samples/{:06}/01.png", step);
    EXPECT_EQ(text_of_file(disk / "out" / name), text_of_file(scratch_ / "unbroken" / name))
        << step;
  }
}

/// A run of five steps, all saved, whose folder `part` lies on `disk` from then on.
void TrainingOnASmallDisk::begin_with_part_on(const SmallDisk& disk, const std::string& part) {
  std::vector<std::string> words = line(scratch_ / "out");
  words.insert(words.end(), {"--set", "train.steps=5"});
  ASSERT_EQ(run_program(words, environment()).exit_code, 0);
  fs::copy(scratch_ / "out" / part, disk / part, fs::copy_options::recursive);
  fs::remove_all(scratch_ / "out" / part);
  fs::create_directory_symlink(disk / part, scratch_ / "out" / part);
}

TEST_F(TrainingOnASmallDisk, EndsForWantOfRoomWhenStoppedWhileStepsAreNotSaved) {
  const SmallDisk disk(32 * 1024);
  NEED(disk);
  begin_with_part_on(disk, "checkpoints");
  std::vector<std::string> resume = line(scratch_ / "out");
  resume.emplace_back("--resume");
  {
    StartedProgram program(resume, environment());
    fill_until_it_waits(program, disk);
    program.signal(SIGTERM);
    EXPECT_EQ(program.wait(), 6) << program.err();
    EXPECT_NE(program.err().find("stopped by a signal at step 10 of 60, of which 5 are saved"),
              std::string::npos)
        << program.err();
  }
  // Its last good state is whole.
  disk.make_room();
  const ProgramRun resumed = run_program(resume, environment());
  EXPECT_EQ(resumed.exit_code, 0) << resumed.err;
  ASSERT_EQ(run_program(line(scratch_ / "unbroken"), environment()).exit_code, 0);
  EXPECT_EQ(outcome(scratch_ / "out"), outcome(scratch_ / "unbroken"));
}

TEST_F(TrainingOnASmallDisk, EndsAsStoppedWhenAllStepsAreSavedWhileItWaits) {
  const SmallDisk disk(32 * 1024);
  NEED(disk);
  begin_with_part_on(disk, "lora");
  std::vector<std::string> resume = line(scratch_ / "out");
  resume.emplace_back("--resume");
  {
    StartedProgram program(resume, environment());
    fill_until_it_waits(program, disk);
    program.signal(SIGTERM);
    EXPECT_EQ(program.wait(), 75) << program.err();
    EXPECT_NE(program.err().find("of 60, all of it saved"), std::string::npos) << program.err();
  }
  disk.make_room();
  const ProgramRun resumed = run_program(resume, environment());
  EXPECT_EQ(resumed.exit_code, 0) << resumed.err;
  ASSERT_EQ(run_program(line(scratch_ / "unbroken"), environment()).exit_code, 0);
  EXPECT_EQ(outcome(scratch_ / "out"), outcome(scratch_ / "unbroken"));
}

TEST_F(TrainingOnASmallDisk, IsRefusedAgainWhereARunThatGoesOnHasNoRoom) {
  const SmallDisk disk(32 * 1024);
  NEED(disk);
  std::vector<std::string> words = line(disk / "out");
  words.insert(words.end(), {"--set", "train.steps=5"});
  ASSERT_EQ(run_program(words, environment()).exit_code, 0);
  words = line(disk / "out");
  words.emplace_back("--resume");
  disk.fill(4096);
  expect_refused(run_program(words, environment()), 6, "stand there already");
  disk.make_room();
  EXPECT_EQ(run_program(words, environment()).exit_code, 0);
}

TEST_F(TrainingOnASmallDisk, IsRefusedBeforeItStartsWhereTheRunHasNoRoom) {
  const SmallDisk disk(64);
  NEED(disk);
  expect_refused(run_program(line(disk / "out"), environment()), 6, "bytes");
  EXPECT_EQ(disk.entries(), 0);
}

}  // namespace
}  // namespace iclora
