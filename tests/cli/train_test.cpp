// The command train from outside: signals, kills, and what it refuses.

#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <map>
#include <random>
#include <thread>

#include "cli/program.h"
#include "core/hash.h"
#include "core/json.h"
#include "image/png_write.h"
#include "weights/checkpoint.h"

namespace iclora {
namespace {

namespace fs = std::filesystem;
using testing_support::expect_refused;
using testing_support::ProgramRun;
using testing_support::run_program;
using testing_support::ScratchFolder;
using testing_support::text_of_file;

class TrainProgram : public testing::Test {
 protected:
  TrainProgram() {
    for (int set = 0; set < 4; ++set) {
      const fs::path folder = scratch_ / "sets" / std::to_string(set);
      fs::create_directories(folder);
      for (int panel = 1; panel <= 2; ++panel) {
        image::Image picture(32, 32);
        for (size_t i = 0; i < picture.rgb.size(); ++i) {
          picture.rgb[i] = static_cast<uint8_t>(i / 13 + static_cast<size_t>(90 * set + panel));
        }
        image::write_png(folder / (std::to_string(panel) + ".png"), picture, {});
      }
      std::ofstream(folder / "caption.txt") << "set " << set << " [LEFT] a [RIGHT] b";
    }
    std::ofstream(scratch_ / "train.yaml")
        << "model: " ICLORA_FIXTURES "/models/toy-dev\n"
        << "data: {path: " << (scratch_ / "sets").native() << "}\n"
        << "lora: {rank: 2}\n"
        << "train: {steps: 24, batch: 2, accumulate: 2, learning_rate: 1e-3, threads: 1}\n"
        << "save: {every: 5, keep: 2}\n";
  }

  std::vector<std::string> line(const std::string& out,
                                const std::vector<std::string>& more = {}) const {
    std::vector<std::string> words = {"train", (scratch_.path() / "train.yaml").native(), "--out",
                                      (scratch_.path() / out).native()};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  std::vector<std::string> environment() const {
    return {"XDG_CACHE_HOME=" + (scratch_.path() / "cache").native()};
  }
  ProgramRun run(const std::string& out, const std::vector<std::string>& more = {}) const {
    return run_program(line(out, more), environment());
  }

  /// Starts the program, sends `signal` after `delay`, and waits: the exit code, or 1000 + the
  /// signal that ended it.
  int run_and_signal(const std::string& out, const std::vector<std::string>& more, int signal,
                     std::chrono::milliseconds delay) const {
    testing_support::StartedProgram program(line(out, more), environment());
    std::this_thread::sleep_for(delay);
    program.signal(signal);
    return program.wait();
  }

  /// Values of the LoRA files, and the logs without their times.
  std::map<std::string, std::string> outcome(const std::string& out) const {
    std::map<std::string, std::string> found;
    for (const auto& entry : fs::directory_iterator(scratch_.path() / out / "lora")) {
      Sha256 hash;
      const auto file = weights::Checkpoint::open(entry.path());
      for (const auto& [key, tensor] : file.tensors()) {
        hash.update(key);
        hash.update(tensor.bytes);
      }
      found[entry.path().filename().native()] = hash.hex();
    }
    std::istringstream lines(text_of_file(scratch_.path() / out / "metrics.jsonl"));
    for (std::string text; std::getline(lines, text);) {
      Json json = parse_json(text, "metrics.jsonl");
      json.erase("seconds");
      found["metrics"] += json.dump() + "\n";
    }
    return found;
  }

  ScratchFolder scratch_;
};

TEST_F(TrainProgram, AnswersWithOneJsonObject) {
  const ProgramRun done = run("out", {"--json", "--set", "train.steps=2"});
  ASSERT_EQ(done.exit_code, 0) << done.err;
  const Json result = parse_json(done.out, "train");
  EXPECT_EQ(result["lora"], (scratch_ / "out/lora/train.safetensors").native());
  EXPECT_EQ(result["steps"], 2);
  EXPECT_GT(result["loss"].get<double>(), 0);
  EXPECT_GT(result["peak_bytes"].get<uint64_t>(), 1U << 20);
  const ProgramRun seen = run_program({"inspect", result["lora"].get<std::string>()});
  EXPECT_EQ(seen.exit_code, 0) << seen.err;
}

TEST_F(TrainProgram, AFinishedRunAnswersWithItsLastLossAgain) {
  const ProgramRun done = run("out", {"--json", "--set", "train.steps=2"});
  ASSERT_EQ(done.exit_code, 0) << done.err;
  const ProgramRun again = run("out", {"--json", "--set", "train.steps=2", "--resume"});
  ASSERT_EQ(again.exit_code, 0) << again.err;
  EXPECT_EQ(parse_json(again.out, "train")["loss"], parse_json(done.out, "train")["loss"]);
}

TEST_F(TrainProgram, EndsWithExit7WhenTheLossIsNoNumber) {
  // All ones is not a number in every float format, and the last tensor's end is used by each step.
  const fs::path model = scratch_ / "model";
  fs::copy(ICLORA_FIXTURES "/models/toy-dev", model, fs::copy_options::recursive);
  for (const auto& entry : fs::directory_iterator(model / "transformer")) {
    if (entry.path().extension() != ".safetensors") continue;
    std::fstream file(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(-4, std::ios::end).write("\xff\xff\xff\xff", 4);
  }
  const std::vector<std::string> broken = {"--set", "model=" + model.native()};
  const ProgramRun ended = run("out", broken);
  EXPECT_EQ(ended.exit_code, 7) << ended.err;
  EXPECT_NE(ended.err.find("the step is left out"), std::string::npos) << ended.err;
  EXPECT_NE(ended.err.find("back to step 0 with 0.5 of the learning rate"), std::string::npos)
      << ended.err;
  // Nothing that was learnt, so nothing to use.
  EXPECT_FALSE(fs::exists(scratch_ / "out/lora"));
  std::vector<std::string> again = broken;
  again.emplace_back("--resume");
  EXPECT_EQ(run("out", again).exit_code, 7);
}

TEST_F(TrainProgram, GoesOnWithNothingButWhatItBeganWith) {
  const std::string lora = ICLORA_FIXTURES "/models/lora-a.safetensors";
  const std::vector<std::string> two = {"--set", "train.steps=2"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.end(), two.begin(), two.end());
    return more;
  };
  ASSERT_EQ(run("out", two).exit_code, 0);
  expect_refused(run("out", with({"--resume", "--init-lora", lora})), 2, "--init-lora");
  EXPECT_EQ(run("out", with({"--resume"})).exit_code, 0);
  std::ofstream(scratch_ / "sets/1/caption.txt") << "another [LEFT] a [RIGHT] b";
  expect_refused(run("out", with({"--resume"})), 2, "the data set");
}

TEST_F(TrainProgram, KilledAgainAndAgainEndsWithTheBytesOfAnUnbrokenRun) {
  const auto begin = std::chrono::steady_clock::now();
  ASSERT_EQ(run("unbroken").exit_code, 0);
  const auto whole = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - begin);
  std::mt19937 random(17);
  for (int round = 0; round < 2; ++round) {
    const std::string out = "killed-" + std::to_string(round);
    int code = 1000 + SIGKILL;
    // Anywhere from before the first step to after the last.
    for (int kill = 0; kill < 8 && code != 0; ++kill) {
      const std::chrono::milliseconds delay(
          std::uniform_int_distribution<int64_t>(0, whole.count())(random));
      code = run_and_signal(out, {"--resume"}, SIGKILL, delay);
      EXPECT_TRUE(code == 0 || code == 1000 + SIGKILL) << code;
    }
    const ProgramRun last = run(out, {"--resume"});
    ASSERT_EQ(last.exit_code, 0) << last.err;
    EXPECT_EQ(outcome(out), outcome("unbroken")) << round;
  }
}

TEST_F(TrainProgram, SavesAndExits75OnASignal) {
  for (const int signal : {SIGTERM, SIGINT}) {
    const std::string out = signal == SIGTERM ? "term" : "int";
    // Long enough that the signal comes while it trains.
    const std::vector<std::string> more = {"--set", "train.steps=100000", "--set", "save.every=0"};
    testing_support::StartedProgram program(line(out, more), environment());
    const fs::path metrics = scratch_ / out / "metrics.jsonl";
    std::error_code none;
    while (!program.ended() && !(fs::exists(metrics, none) && fs::file_size(metrics, none) > 0)) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    program.signal(signal);
    EXPECT_EQ(program.wait(), 75) << program.err();
    const fs::path checkpoints = scratch_ / out / "checkpoints";
    ASSERT_TRUE(fs::exists(checkpoints));
    EXPECT_FALSE(fs::is_empty(checkpoints));
    const auto steps = std::stoll(fs::directory_iterator(checkpoints)->path().filename().native());
    EXPECT_GT(steps, 0);
    // And it goes on from there.
    std::vector<std::string> again = {
        "--resume", "--set", "train.steps=" + std::to_string(steps + 1), "--set", "save.every=0"};
    EXPECT_EQ(run(out, again).exit_code, 0);
  }
}

// The paper's own configuration, on glued canvases as its authors publish theirs: three panels
// whose heights are no multiples of 16.
TEST_F(TrainProgram, TrainsTheConfigurationOfAnotherTrainerKeyByKey) {
  for (int set = 0; set < 3; ++set) {
    image::Image canvas(50, 151);
    for (size_t i = 0; i < canvas.rgb.size(); ++i) {
      canvas.rgb[i] = static_cast<uint8_t>(i / 40 + static_cast<size_t>(70 * set));
    }
    const std::string stem = (scratch_ / "glued").native() + "/" + std::to_string(set);
    fs::create_directories(scratch_ / "glued");
    image::write_png(stem + ".png", canvas, {});
    std::ofstream(stem + ".txt") << "[MOVIE-SHOTS] In a vibrant film " << set
                                 << ", [SCENE-1] <Mara> wakes, [SCENE-2] she runs, [SCENE-3] and "
                                    "<Mara> rests.";
  }
  const std::string foreign = ICLORA_FIXTURES "/run/movie-shots.yml";
  const std::string model = "model=" ICLORA_FIXTURES "/models/toy-dev";
  const ProgramRun done = run_program(
      {"train", foreign, "--set", model, "--set", "data.path=" + (scratch_ / "glued").native(),
       "--set", "data.panel=48x48", "--set", "train.steps=2", "--set", "sample.steps=1", "--set",
       "sample.every=0", "--out", (scratch_ / "movie").native()},
      environment());
  ASSERT_EQ(done.exit_code, 0) << done.err;
  for (const char* line :
       {"config.process.0.network.linear: used", "config.process.0.train.lr: used",
        "config.process.0.device: not needed", "config.process.0.datasets.0.folder_path: "}) {
    EXPECT_NE(done.err.find(line), std::string::npos) << line << "\n" << done.err;
  }
  EXPECT_TRUE(fs::exists(scratch_ / "movie/lora/movie-shots.safetensors"));
  EXPECT_TRUE(fs::exists(scratch_ / "movie/samples/000002/02-panel-3.png"));
  const std::string native = text_of_file(scratch_ / "movie/config.yaml");
  EXPECT_EQ(native.find("job:"), std::string::npos);
  EXPECT_NE(native.find("rank: 16"), std::string::npos);
}

TEST_F(TrainProgram, RefusesWithOneSentenceAndWritesNothing) {
  struct Case {
    std::vector<std::string> words;
    std::string said;
  };
  const std::vector<Case> cases = {
      {{"--set", "train.stepz=3"}, "train.steps"},
      {{"--set", "train.steps=many"}, "train.steps"},
      {{"--set", "train.batch=0"}, "train.batch"},
      {{"--set", "lora.rank=1000"}, "lora.rank"},
      {{"--set", "data.path=/nowhere"}, "/nowhere"},
      {{"--set", "model=/nowhere"}, "/nowhere"},
      {{"--set", "novalue"}, "novalue"},
      {{"--init-lora", "/nowhere.safetensors"}, "/nowhere.safetensors"},
      {{"--replay", "/nowhere.safetensors"}, "/nowhere.safetensors"},
      {{"--init-lora", ICLORA_FIXTURES "/models/lora-a.safetensors", "--set", "lora.rank=3"},
       "rank"},
      {{"--replay", ICLORA_FIXTURES "/training/replay.safetensors"}, "micro-batches"},
  };
  for (const Case& one : cases) {
    expect_refused(run("refused", one.words), 2, one.said);
    EXPECT_FALSE(fs::exists(scratch_ / "refused")) << one.said;
  }
  expect_refused(run_program({"train"}), 2, "CONFIG");
  expect_refused(run_program({"train", (scratch_.path() / "train.yaml").native(), "--out", ""}), 2,
                 "--out is empty");
  expect_refused(run_program({"train", "/nowhere.yaml"}), 2, "/nowhere.yaml");
}

TEST_F(TrainProgram, RefusesAFolderThatHoldsSomething) {
  fs::create_directories(scratch_ / "out");
  std::ofstream(scratch_ / "out/precious.txt") << "mine";
  expect_refused(run("out"), 2, "--resume");
  expect_refused(run("out", {"--resume"}), 2, "config.yaml");
  EXPECT_EQ(text_of_file(scratch_ / "out/precious.txt"), "mine");
  EXPECT_EQ(std::distance(fs::directory_iterator(scratch_ / "out"), fs::directory_iterator()), 1);
}

}  // namespace
}  // namespace iclora
