// metrics.jsonl and TensorBoard's event files.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <limits>

#include "core/error.h"
#include "core/file.h"
#include "run/disk_space.h"
#include "run/event_log.h"
#include "run/metrics.h"
#include "scratch.h"

namespace iclora::run {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::Pair;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

StepMetrics metrics_of(int64_t step) {
  return {.step = step,
          .loss = 0.5 / static_cast<double>(step),
          .learning_rate = 1e-4,
          .grad_norm = 2,
          .seconds = 0.25,
          .samples_seen = 4 * step};
}

std::string text_of(const fs::path& path) {
  return read_file(path, 1 << 20);
}

std::vector<int64_t> steps_in(const fs::path& path) {
  std::vector<int64_t> steps;
  for (const Json& line : read_step_log(path)) steps.push_back(line["step"]);
  return steps;
}

TEST(StepLog, WritesOneObjectAStep) {
  const testing_support::ScratchFolder scratch;
  StepLog log(scratch / "metrics.jsonl", 0);
  log.append(to_json(metrics_of(1)));
  EXPECT_EQ(text_of(scratch / "metrics.jsonl"),
            R"({"step":1,"loss":0.5,"learning_rate":0.0001,"grad_norm":2.0,"seconds":0.25,)"
            R"("samples_seen":4})"
            "\n");
  StepMetrics bad = metrics_of(2);
  bad.loss = kNaN;
  bad.grad_norm = std::numeric_limits<double>::infinity();
  log.append(to_json(bad));
  const Json line = read_step_log(scratch / "metrics.jsonl")[1];
  EXPECT_TRUE(line["loss"].is_null());
  EXPECT_TRUE(line["grad_norm"].is_null());
  EXPECT_EQ(line["skipped"], true);
  EXPECT_EQ(to_json(ValidationMetrics{200, 0.5, {0.25, 0.75}}).dump(),
            R"({"step":200,"loss":0.5,"panels":[0.25,0.75]})");
}

TEST(StepLog, IsCutBackToTheCheckpoint) {
  const testing_support::ScratchFolder scratch;
  const fs::path path = scratch / "metrics.jsonl";
  {
    StepLog log(path, 0);
    for (int64_t step = 1; step <= 9; ++step) log.append(to_json(metrics_of(step)));
    log.cut_back(7);
    log.append(to_json(metrics_of(8)));
  }
  EXPECT_THAT(steps_in(path), ElementsAre(1, 2, 3, 4, 5, 6, 7, 8));
  const std::string before = text_of(path);
  {
    StepLog log(path, 8);
    EXPECT_EQ(text_of(path), before);
  }
  {
    StepLog log(path, 5);
    EXPECT_THAT(steps_in(path), ElementsAre(1, 2, 3, 4, 5));
    log.append(to_json(metrics_of(6)));
  }
  EXPECT_TRUE(before.starts_with(text_of(path)));
  const StepLog from_the_start(path, 0);
  EXPECT_EQ(fs::file_size(path), 0u);
}

TEST(StepLog, DropsATornLineAtEveryCut) {
  const testing_support::ScratchFolder scratch;
  const fs::path path = scratch / "metrics.jsonl";
  const std::string one = to_json(metrics_of(1)).dump() + "\n";
  const std::string two = to_json(metrics_of(2)).dump() + "\n";
  for (size_t length = 0; length <= two.size(); ++length) {
    std::ofstream(path, std::ios::binary) << one << two.substr(0, length);
    EXPECT_EQ(steps_in(path).size(), length == two.size() ? 2u : 1u);
    StepLog log(path, 2);
    log.append(to_json(metrics_of(3)));
    EXPECT_EQ(steps_in(path).size(), length == two.size() ? 3u : 2u) << length;
  }
  std::ofstream(path, std::ios::binary) << one << std::string(4, '\0') << two;
  EXPECT_THAT(steps_in(path), ElementsAre(1));
  EXPECT_TRUE(read_step_log(scratch / "none").empty());
}

TEST(StepLog, EndsWithAWholeLineOnAFullDisk) {
  const testing_support::ScratchFolder scratch;
  const fs::path path = scratch / "metrics.jsonl";
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{250, 250};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    StepLog log(path, 0);
    try {
      for (int64_t step = 1;; ++step) log.append(to_json(metrics_of(step)));
    } catch (const DiskFull&) {
      ::_exit(42);
    } catch (...) {
    }
    ::_exit(1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 42);
  EXPECT_TRUE(text_of(path).ends_with("}\n"));
  EXPECT_THAT(steps_in(path), ElementsAre(1, 2));
}

TEST(Crc32c, IsThatOfRfc3720) {
  EXPECT_EQ(crc32c("123456789"), 0xE3069283U);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8A9136AAU);
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62A8AB43U);
}

// Written by TensorBoard 2.20 itself (tools/reference/dump_events.py).
TEST(EventRecord, IsWhatTensorBoardWrites) {
  const std::string theirs = text_of(ICLORA_FIXTURES "/run/events.bin");
  EXPECT_EQ(framed(version_event(1.5)) + framed(restart_event(2.0, 201)) +
                framed(scalars_event(1234567890.125, 300, {{"loss", 0.1}, {"é", -2}})),
            theirs);
  const auto found = decode_events(theirs);
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0].event.file_version, "brain.Event:2");
  EXPECT_TRUE(found[1].event.restart);
  EXPECT_EQ(found[1].event.step, 201);
  EXPECT_EQ(found[2].event.wall_time, 1234567890.125);
  EXPECT_EQ(found[2].event.step, 300);
  EXPECT_THAT(found[2].event.scalars, ElementsAre(Pair("loss", 0.1F), Pair("é", -2.0F)));
  EXPECT_EQ(found[2].end, theirs.size());
}

TEST(EventRecord, EndsAtTornOrDamagedBytes) {
  const std::string one = framed(scalars_event(1, 1, {{"loss", 1}}));
  const std::string both = one + framed(scalars_event(1, 2, {{"loss", 2}}));
  for (size_t length = 0; length < both.size(); ++length) {
    EXPECT_EQ(decode_events(both.substr(0, length)).size(), length < one.size() ? 0u : 1u);
  }
  for (size_t at = one.size(); at < both.size(); ++at) {
    std::string damaged = both;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
    EXPECT_EQ(decode_events(damaged).size(), 1u) << at;
  }
}

/// The steps of the scalars in all files of a folder, in the files' order.
std::vector<int64_t> logged_steps(const fs::path& folder) {
  std::vector<fs::path> files(fs::directory_iterator(folder), {});
  std::sort(files.begin(), files.end());
  std::vector<int64_t> steps;
  for (const fs::path& file : files) {
    for (const FoundEvent& found : decode_events(text_of(file))) {
      if (!found.event.scalars.empty()) steps.push_back(found.event.step);
    }
  }
  return steps;
}

TEST(EventLog, StartsAnewOnResumeAndForgetsWhatIsTakenAgain) {
  const testing_support::ScratchFolder scratch;
  const fs::path folder = scratch / "tensorboard";
  {
    EventLog log(folder, 0, 10);
    for (int64_t step = 1; step <= 5; ++step) log.append(step, 11, {{"loss", 1}});
  }
  {
    EventLog log(folder, 3, 12);
    log.append(4, 13, {{"loss", 2}, {"grad_norm", kNaN}});
    log.append(5, 13, {{"loss", kNaN}});
    EXPECT_THAT(logged_steps(folder), ElementsAre(1, 2, 3, 4));
    log.append(6, 13, {{"loss", 1}});
    log.cut_back(4, 14);
    log.append(5, 15, {{"loss", 3}});
    EXPECT_THAT(logged_steps(folder), ElementsAre(1, 2, 3, 4, 5));
  }
  const auto records = decode_events(text_of(folder / "events.out.tfevents.000002"));
  EXPECT_EQ(records[0].event.file_version, "brain.Event:2");
  EXPECT_TRUE(records[1].event.restart);
  EXPECT_EQ(records[1].event.step, 4);
  EXPECT_THAT(records[2].event.scalars, ElementsAre(Pair("loss", 2.0F)));
  const EventLog log(folder, 0, 16);
  EXPECT_TRUE(logged_steps(folder).empty());
  EXPECT_FALSE(fs::exists(folder / "events.out.tfevents.000001"));
}

TEST(EventLog, CutsATornRecordOff) {
  const testing_support::ScratchFolder scratch;
  const fs::path file = scratch / "events.out.tfevents.000001";
  {
    EventLog log(scratch.path(), 0, 1);
    log.append(1, 1, {{"loss", 1}});
    log.append(2, 1, {{"loss", 1}});
  }
  fs::resize_file(file, fs::file_size(file) - 3);
  const EventLog log(scratch.path(), 9, 1);
  EXPECT_THAT(logged_steps(scratch.path()), ElementsAre(1));
  const auto records = decode_events(text_of(file));
  EXPECT_EQ(records.back().end, fs::file_size(file));
}

}  // namespace
}  // namespace iclora::run
