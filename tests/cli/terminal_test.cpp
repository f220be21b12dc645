#include "cli/terminal.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <system_error>
#include <thread>

#include "scratch.h"

namespace iclora::cli {
namespace {

TEST(ProgressLine, HasPhaseStepRateAndTimeLeft) {
  EXPECT_EQ(progress_line({"sampling", 5, 20, {}, 10.0, 0}),
            "sampling 5/20, 2 s a step, 30 s left");
  EXPECT_EQ(progress_line({"training", 100, 600, 0.25, 10.0, 0}),
            "training 100/600, loss 0.2500, 10 steps a second, 50 s left");
  EXPECT_EQ(progress_line({"training", 1, 600, 0.25, 2.0, 1'230'000'000}),
            "training 1/600, loss 0.2500, 2 s a step, 19 min 58 s left, 1.23 GB");
}

TEST(ProgressLine, LeavesOutWhatIsNotKnown) {
  EXPECT_EQ(progress_line({"text", 0, 0, {}, 0.2, 0}), "text");
  EXPECT_EQ(progress_line({"text", 0, 2, {}, 4.0, 0}), "text 0/2, 4 s so far");
  EXPECT_EQ(progress_line({"text", 2, 2, {}, 4.0, 0}), "text 2/2, 2 s a step");
}

TEST(ProgressLine, CountsTheRateFromWhereThePhaseWasMet) {
  EXPECT_EQ(progress_line({"training", 50, 600, {}, 4.0, 0, 50}), "training 50/600, 4 s so far");
  EXPECT_EQ(progress_line({"training", 52, 600, {}, 4.0, 0, 50}),
            "training 52/600, 2 s a step, 18 min 16 s left");
}

/// What the standard error stream gets while a Terminal is at work.
class TerminalLines : public testing::Test {
 protected:
  TerminalLines() : kept_(::dup(STDERR_FILENO)) {
    std::fflush(stderr);
    const int file = ::open((scratch_ / "err").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0666);
    if (file < 0) throw std::system_error(errno, std::generic_category(), "err");
    ::dup2(file, STDERR_FILENO);
    ::close(file);
  }
  ~TerminalLines() override {
    ::dup2(kept_, STDERR_FILENO);
    ::close(kept_);
  }

  /// Waits for it: the lines come from another thread.
  std::vector<std::string> lines(size_t count) const {
    std::vector<std::string> found;
    while (found.size() < count) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      found.clear();
      std::ifstream file(scratch_ / "err");
      for (std::string line; std::getline(file, line);) found.push_back(line);
    }
    return found;
  }

 private:
  const int kept_;
  testing_support::ScratchFolder scratch_;
};

// After the end of a phase, and before the first one, something is being done too.
TEST_F(TerminalLines, ComeEvenWhenNothingIsReported) {
  Terminal terminal(/*quiet=*/false);
  EXPECT_EQ(lines(1)[0].substr(0, 10), "starting, ");
  terminal.progress("text", 2, 2, {});
  const auto after = lines(4);
  EXPECT_EQ(after[1].substr(0, 8), "text 2/2");
  for (const size_t i : {2, 3}) {
    EXPECT_EQ(after[i].substr(0, 10), "text 2/2, ");
    EXPECT_NE(after[i].find(" s so far"), std::string::npos) << after[i];
  }
}

TEST(Duration, IsWrittenInTheUnitThatFits) {
  EXPECT_EQ(duration_text(0.125), "0.125 s");
  EXPECT_EQ(duration_text(47), "47 s");
  EXPECT_EQ(duration_text(200), "3 min 20 s");
  EXPECT_EQ(duration_text(7500), "2 h 5 min");
}

}  // namespace
}  // namespace iclora::cli
