// Signals that come before there is any work, and while a data set is written.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>

#include <chrono>
#include <thread>

#include "cli/program.h"
#include "image/png_write.h"

namespace iclora {
namespace {

namespace fs = std::filesystem;
using testing_support::ScratchFolder;
using testing_support::StartedProgram;

constexpr const char* kSentence =
    "iclora: stopped by a signal before it was finished; nothing was written.\n";

/// A libtorch whose first library is a pipe: the program that loads it waits for its other end.
class EndlessLibtorch {
 public:
  EndlessLibtorch() {
    fs::create_directories(scratch_ / "lib");
    std::ofstream(scratch_ / "version.py") << "\n__version__ = '" ICLORA_TORCH_VERSION "'\n";
    std::ofstream(scratch_ / "lib/libtorch_cpu.so") << "none";
    if (::mkfifo(pipe().c_str(), 0600) != 0) throw std::runtime_error("mkfifo");
  }
  std::string variable() const { return "TORCH_DIR=" + scratch_.path().native(); }
  /// Whether `program` came to the pipe.
  bool met_by(const StartedProgram& program) const {
    while (!program.ended()) {
      // Fails for as long as nobody reads.
      const int writer = ::open(pipe().c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
      if (writer >= 0) {
        // Kept open: the program would find an empty file and go on.
        static_cast<void>(writer);
        return true;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return false;
  }

 private:
  fs::path pipe() const { return scratch_ / "lib/libc10.so"; }
  ScratchFolder scratch_;
};

TEST(Signals, EndWhatHasNotBegunWithExit75AndNothingWritten) {
  const ScratchFolder scratch;
  const std::string out = (scratch / "out").native();
  const std::string model = ICLORA_FIXTURES "/models/toy-dev";
  std::ofstream(scratch / "train.yaml") << "model: " << model << "\ndata: {path: sets}\n";
  std::ofstream(scratch / "config.yaml") << "preset: toy\n";
  const std::vector<std::vector<std::string>> lines = {
      {"train", (scratch / "train.yaml").native(), "--out", out},
      {"generate", "--model", model, "--prompt", "a", "--out", out},
      {"init", (scratch / "config.yaml").native(), "--out", out},
      {"pretrain", (scratch / "config.yaml").native(), "--out", out},
  };
  for (const auto& line : lines) {
    for (const int signal : {SIGTERM, SIGINT}) {
      const EndlessLibtorch libtorch;
      StartedProgram program(line, {libtorch.variable()});
      ASSERT_TRUE(libtorch.met_by(program)) << program.err();
      program.signal(signal);
      EXPECT_EQ(program.wait(), 75) << line[0];
      EXPECT_EQ(program.err(), kSentence) << line[0];
      EXPECT_EQ(program.out(), "");
      EXPECT_FALSE(fs::exists(out)) << line[0];
    }
  }
}

TEST(Signals, LeaveNoHalfOfADataSet) {
  const ScratchFolder scratch;
  for (int set = 0; set < 40; ++set) {
    const fs::path folder = scratch / "sets" / std::to_string(set);
    fs::create_directories(folder);
    for (const char* name : {"1.png", "2.png"}) {
      image::write_png(folder / name, image::Image(256, 256), {});
    }
    std::ofstream(folder / "caption.txt") << "set " << set << " [LEFT] a [RIGHT] b";
  }
  fs::create_directories(scratch / "new");
  StartedProgram program(
      {"dataset", "build", (scratch / "sets").native(), "--out", (scratch / "new/out").native()});
  // The folder is written beside its name, and gets it at the end.
  while (!program.ended() && fs::is_empty(scratch / "new")) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  program.signal(SIGTERM);
  EXPECT_EQ(program.wait(), 75) << program.err();
  EXPECT_NE(program.err().find("iclora: stopped by a signal before it was finished.\n"),
            std::string::npos)
      << program.err();
  EXPECT_TRUE(fs::is_empty(scratch / "new"));
}

}  // namespace
}  // namespace iclora
