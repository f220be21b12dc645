// Saves that are killed or run out of space, in processes of their own.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <random>
#include <thread>

#include "core/error.h"
#include "core/file.h"
#include "run/checkpoint_store.h"
#include "run/disk_space.h"
#include "scratch.h"

namespace iclora::run {
namespace {

using Clock = std::chrono::steady_clock;

/// A content that tells its step.
std::string content_of(int64_t step) {
  std::string content(40'000, '\0');
  for (size_t i = 0; i < content.size(); ++i) {
    content[i] = static_cast<char>((i * 31 + static_cast<size_t>(step) * 7) % 251);
  }
  return content;
}

std::vector<CheckpointPart> parts_of(int64_t step) {
  const auto write = [=](ByteSink& sink) {
    const std::string content = content_of(step);
    for (size_t at = 0; at < content.size(); at += 4096) {
      sink.write(std::string_view(content).substr(at, 4096));
    }
  };
  return {{"a", 40'000, write}, {"b", 40'000, write}};
}

void expect_content(const StoredCheckpoint& checkpoint) {
  for (const char* name : {"a", "b"}) {
    EXPECT_EQ(read_file(checkpoint.path(name), 1 << 20), content_of(checkpoint.step));
  }
}

/// Saves steps from `first` on for ever, some of them twice, and writes each into `announce` once
/// its save has returned.
[[noreturn]] void save_for_ever(const CheckpointStore& store, int64_t first, int announce) {
  for (int64_t step = first;; ++step) {
    store.save(step, parts_of(step), 2);
    if (step % 3 == 0) store.save(step, parts_of(step), 2);
    if (::write(announce, &step, sizeof step) != sizeof step) ::_exit(1);
  }
}

TEST(KilledSaves, NeverLoseOrDamageACheckpoint) {
  const testing_support::ScratchFolder scratch;
  const CheckpointStore store(scratch / "checkpoints");
  std::mt19937 random(7);
  int64_t newest = 0;
  int with_leftovers = 0;
  std::chrono::duration<double> one_save{0};
  for (int round = 0; round < 80; ++round) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      ::close(ends[0]);
      try {
        save_for_ever(store, newest + 1, ends[1]);
      } catch (...) {
        ::_exit(1);
      }
    }
    ::close(ends[1]);
    // Killed at any point of the next save or two, however fast this machine's disk is.
    int64_t announced = newest;
    const auto started = Clock::now();
    for (unsigned waited = random() % 3 + (round == 0 ? 3 : 0); waited > 0; --waited) {
      if (::read(ends[0], &announced, sizeof announced) != sizeof announced) break;
      one_save = (Clock::now() - started) / (announced - newest);
    }
    std::this_thread::sleep_for(one_save * static_cast<double>(random() % 1000) / 500.0);
    ::kill(child, SIGKILL);
    while (::read(ends[0], &announced, sizeof announced) == sizeof announced) {
    }
    ::close(ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the saving process failed by itself";

    for (const auto& entry : std::filesystem::directory_iterator(scratch.path())) {
      for (const auto& inner : std::filesystem::directory_iterator(entry)) {
        with_leftovers += inner.path().filename().native()[0] == '.' ? 1 : 0;
      }
    }
    store.remove_leftovers();
    const NewestCheckpoint found = store.newest_valid();
    EXPECT_THAT(found.damaged, testing::IsEmpty());
    const int64_t step = found.checkpoint ? found.checkpoint->step : 0;
    EXPECT_GE(step, announced);
    EXPECT_LE(step, announced + 1);
    for (const int64_t kept : store.steps()) expect_content(store.verify(kept));
    newest = step;
  }
  store.save(newest + 1, parts_of(newest + 1), 2);  // after all the prunings that were cut short
  EXPECT_THAT(store.steps(), testing::ElementsAre(newest, newest + 1));
  // The kills did fall into saves, and saves did succeed.
  EXPECT_GT(with_leftovers, 10);
  EXPECT_GT(newest, 50);
}

TEST(FullDisk, LeavesTheLastGoodStateAndNamesTheBytes) {
  const testing_support::ScratchFolder scratch;
  const CheckpointStore store(scratch / "checkpoints");
  store.save(1, parts_of(1), 1);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    // A limit on the size of files fails a write in the middle of a file, as a full disk does.
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{30'000, 30'000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    try {
      store.save(2, parts_of(2), 1);
    } catch (const DiskFull& full) {
      const bool names =
          std::string(full.what()).find(std::to_string(full.needed())) != std::string::npos;
      ::_exit(full.exit_code() == 6 && full.needed() >= 80'000 && names ? 42 : 2);
    } catch (...) {
    }
    ::_exit(1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 42);
  EXPECT_THAT(store.steps(), testing::ElementsAre(1));
  expect_content(*store.newest_valid().checkpoint);
  const auto entries = std::filesystem::directory_iterator(scratch / "checkpoints");
  EXPECT_EQ(std::distance(begin(entries), end(entries)), 1);
  store.save(2, parts_of(2), 1);  // once there is room again
  EXPECT_EQ(store.newest_valid().checkpoint->step, 2);
}

}  // namespace
}  // namespace iclora::run
