#include "core/file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "core/disk_room.h"
#include "core/error.h"
#include "core/hash.h"
#include "core/made_folders.h"
#include "scratch.h"

namespace iclora {
namespace {

using testing_support::ScratchFolder;

size_t entries(const std::filesystem::path& folder) {
  return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

TEST(AtomicFile, NothingStandsUnderTheNameBeforeCommitAndNothingStaysBehind) {
  const ScratchFolder scratch;
  write_file(scratch / "a.txt", "old");
  {
    AtomicFile file(scratch / "a.txt");
    file.write("new");
    EXPECT_EQ(read_file(scratch / "a.txt", 100), "old");
  }
  EXPECT_EQ(read_file(scratch / "a.txt", 100), "old");
  EXPECT_EQ(entries(scratch.path()), 1U);
  write_file(scratch / "a.txt", "new");
  EXPECT_EQ(read_file(scratch / "a.txt", 100), "new");
  EXPECT_EQ(entries(scratch.path()), 1U);
}

TEST(AtomicFile, FinishedFilesAppearOnlyWhenCommitted) {
  const ScratchFolder scratch;
  {
    AtomicFile kept(scratch / "kept");
    AtomicFile dropped(scratch / "dropped");
    kept.write("1");
    kept.finish();
    dropped.write("2");
    dropped.finish();
    EXPECT_FALSE(std::filesystem::exists(scratch / "kept"));
    kept.commit();
  }
  EXPECT_EQ(read_file(scratch / "kept", 10), "1");
  EXPECT_EQ(entries(scratch.path()), 1U);
}

TEST(AtomicFile, AFolderThatIsNotThereIsExit6AndNamesThePath) {
  try {
    AtomicFile file("/dev/no-such-folder/x");
    FAIL() << "a missing folder was accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.exit_code(), 6);
    EXPECT_THAT(error.what(), testing::HasSubstr("/dev/no-such-folder/x"));
  }
}

TEST(AtomicFile, APipeOrADeviceIsNeverReplacedByAFile) {
  const ScratchFolder scratch;
  const std::filesystem::path pipe = scratch / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  for (const auto& write : {+[](const std::filesystem::path& path) { write_file(path, "x"); },
                            +[](const std::filesystem::path& path) { check_writable(path); }}) {
    try {
      write(pipe);
      FAIL() << "a pipe was accepted";
    } catch (const Error& error) {
      EXPECT_EQ(error.exit_code(), 6);
      EXPECT_THAT(error.what(), testing::HasSubstr("a device, a pipe or a socket"));
    }
  }
  EXPECT_TRUE(std::filesystem::is_fifo(pipe));
  EXPECT_EQ(entries(scratch.path()), 1U);
}

TEST(MadeFolders, AreRemovedAgainUnlessKeptAndEmpty) {
  const ScratchFolder scratch;
  { const MadeFolders made(scratch / "a/b/c"); }
  EXPECT_EQ(entries(scratch.path()), 0U);
  {
    const MadeFolders made(scratch / "a/b");
    write_file(scratch / "a/x", "x");
  }
  EXPECT_TRUE(std::filesystem::exists(scratch / "a/x"));
  EXPECT_FALSE(std::filesystem::exists(scratch / "a/b"));
  {
    MadeFolders made(scratch / "a/b/c/");
    made.keep();
  }
  EXPECT_TRUE(std::filesystem::exists(scratch / "a/b/c"));
}

TEST(Room, WhatCannotFitIsRefusedWithTheBytesNeededAndFree) {
  const ScratchFolder scratch;
  EXPECT_NO_THROW(check_room(scratch / "not/there/yet", 1));
  try {
    check_room(scratch / "x", uint64_t{1} << 62);
    FAIL() << "room for everything";
  } catch (const DiskFull& full) {
    EXPECT_EQ(full.needed(), uint64_t{1} << 62);
    EXPECT_THAT(full.what(), testing::HasSubstr("4611686018427387904 bytes are needed"));
  }
}

TEST(AtomicFile, AFullDiskIsDiskFullAndLeavesTheOldFile) {
  const ScratchFolder scratch;
  write_file(scratch / "a", "old");
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    // A limit on the size of files fails a write in the middle of a file, as a full disk does.
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{100, 100};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    try {
      write_file(scratch / "a", std::string(300, 'x'));
    } catch (const DiskFull& full) {
      ::_exit(full.exit_code() == 6 && full.needed() == 200 ? 42 : 1);
    } catch (...) {
    }
    ::_exit(2);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 42);
  EXPECT_EQ(read_file(scratch / "a", 10), "old");
  EXPECT_EQ(entries(scratch.path()), 1U);
}

TEST(ReadFile, RefusesFoldersMissingFilesAndTooLargeOnes) {
  const ScratchFolder scratch;
  write_file(scratch / "a", "12345");
  EXPECT_THROW(read_file(scratch.path(), 10), Error);
  EXPECT_THROW(read_file(scratch / "missing", 10), Error);
  EXPECT_THROW(read_file(scratch / "a", 4), Error);
  EXPECT_EQ(read_file(scratch / "a", 5), "12345");
}

TEST(MappedFile, NoticesThatTheFileWasCut) {
  const ScratchFolder scratch;
  write_file(scratch / "a", std::string(10000, 'x'));
  const auto file = MappedFile::open(scratch / "a");
  EXPECT_NO_THROW(file->check_unchanged());
  std::filesystem::resize_file(scratch / "a", 10);
  EXPECT_THROW(file->check_unchanged(), Error);
}

TEST(CheckWritable, LooksAtTheNearestFolderThatExistsAndLeavesNothing) {
  const ScratchFolder scratch;
  EXPECT_NO_THROW(check_writable(scratch / "a/b/c.png"));
  EXPECT_EQ(entries(scratch.path()), 0U);
  EXPECT_THROW(check_writable("/proc/nothing/here.png"), Error);
}

// FIPS 180-2, appendix B.1.
TEST(Sha256, KnownAnswer) {
  EXPECT_EQ(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  const ScratchFolder scratch;
  write_file(scratch / "a", "abc");
  EXPECT_EQ(sha256_of_file(scratch / "a"), sha256("abc"));
}

}  // namespace
}  // namespace iclora
