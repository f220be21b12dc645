#include "run/checkpoint_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <fstream>

#include "core/error.h"
#include "core/file.h"
#include "run/disk_space.h"
#include "scratch.h"

namespace iclora::run {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<CheckpointPart> parts_of(const std::string& content) {
  return {{"state.safetensors", content.size(),
           [=](ByteSink& sink) {
             sink.write(std::string_view(content).substr(0, content.size() / 2));
             sink.write(std::string_view(content).substr(content.size() / 2));
           }},
          {"run.json", 2, [](ByteSink& sink) { sink.write("{}"); }}};
}

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

class CheckpointStoreTest : public testing::Test {
 protected:
  testing_support::ScratchFolder scratch_;
  CheckpointStore store_{scratch_ / "checkpoints"};

  std::string content(const StoredCheckpoint& checkpoint) {
    return read_file(checkpoint.path("state.safetensors"), 1 << 20);
  }
  std::string error_of(const std::function<void()>& action) {
    try {
      action();
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }
};

TEST_F(CheckpointStoreTest, GivesBackWhatWasSaved) {
  EXPECT_FALSE(store_.newest_valid().checkpoint);
  const StoredCheckpoint saved = store_.save(200, parts_of("hello"), 4);
  EXPECT_EQ(saved.step, 200);
  EXPECT_EQ(saved.bytes(), 7u);
  EXPECT_THAT(names_in(scratch_ / "checkpoints"), ElementsAre("000200"));
  EXPECT_THAT(names_in(scratch_ / "checkpoints/000200"),
              ElementsAre("manifest.json", "run.json", "state.safetensors"));
  const NewestCheckpoint found = store_.newest_valid();
  ASSERT_TRUE(found.checkpoint);
  EXPECT_THAT(found.damaged, IsEmpty());
  EXPECT_EQ(content(*found.checkpoint), "hello");
  EXPECT_THAT(error_of([&] { found.checkpoint->path("other"); }), HasSubstr("no file 'other'"));
  const Json manifest = read_json(saved.folder / "manifest.json");
  EXPECT_EQ(manifest["version"], 1);
  EXPECT_EQ(manifest["files"][0]["sha256"],
            "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");  // FIPS 180 hello
}

TEST_F(CheckpointStoreTest, ChoosesByStepAndNeverByTime) {
  store_.save(1000000, parts_of("late"), 9);
  store_.save(200, parts_of("early"), 9);  // removes the later one: that course was left
  EXPECT_THAT(store_.steps(), ElementsAre(200));
  store_.save(1000000, parts_of("late"), 9);
  const auto now = fs::file_time_type::clock::now();
  fs::last_write_time(scratch_ / "checkpoints/000200", now + std::chrono::hours(24));
  EXPECT_EQ(store_.newest_valid().checkpoint->step, 1000000);
  EXPECT_THAT(store_.steps(), ElementsAre(200, 1000000));
}

TEST_F(CheckpointStoreTest, KeepsTheNewest) {
  for (int64_t step = 1; step <= 6; ++step) store_.save(step, parts_of("x"), 3);
  EXPECT_THAT(store_.steps(), ElementsAre(4, 5, 6));
  store_.save(7, parts_of("x"), 1);
  EXPECT_THAT(store_.steps(), ElementsAre(7));
  EXPECT_THAT(names_in(scratch_ / "checkpoints"), ElementsAre("000007"));
}

TEST_F(CheckpointStoreTest, ReplacesTheSameStep) {
  store_.save(5, parts_of("old"), 2);
  store_.save(5, parts_of("new"), 2);
  EXPECT_EQ(content(*store_.newest_valid().checkpoint), "new");
  EXPECT_THAT(names_in(scratch_ / "checkpoints"), ElementsAre("000005"));
}

TEST_F(CheckpointStoreTest, FallsBackFromAnyDamageAndSaysSo) {
  const auto damage_and_check = [&](const std::string& what, const std::string& file,
                                    const std::function<void(const fs::path&)>& damage) {
    store_.save(100, parts_of("older"), 4);
    store_.save(200, parts_of("newer"), 4);
    damage(scratch_ / ("checkpoints/000200/" + file));
    const NewestCheckpoint found = store_.newest_valid();
    ASSERT_TRUE(found.checkpoint) << what << " " << file;
    EXPECT_EQ(found.checkpoint->step, 100) << what << " " << file;
    ASSERT_EQ(found.damaged.size(), 1u);
    EXPECT_THAT(found.damaged[0], HasSubstr("checkpoint of step 200 is damaged"));
    EXPECT_THAT(found.damaged[0], HasSubstr(file));
  };
  for (const std::string file : {"state.safetensors", "run.json", "manifest.json"}) {
    damage_and_check("missing", file, [](const fs::path& path) { fs::remove(path); });
    damage_and_check("short", file,
                     [](const fs::path& path) { fs::resize_file(path, fs::file_size(path) - 1); });
    damage_and_check("empty", file, [](const fs::path& path) { fs::resize_file(path, 0); });
    damage_and_check("long", file,
                     [](const fs::path& path) { std::ofstream(path, std::ios::app) << " "; });
    damage_and_check("folder", file, [](const fs::path& path) {
      fs::remove(path);
      fs::create_directory(path);
    });
  }
}

TEST_F(CheckpointStoreTest, SeesEveryFlippedByte) {
  store_.save(100, parts_of("some content"), 4);
  for (const std::string file : {"state.safetensors", "run.json", "manifest.json"}) {
    const fs::path path = scratch_ / ("checkpoints/000100/" + file);
    const std::string whole = read_file(path, 1 << 20);
    for (size_t at = 0; at < whole.size(); ++at) {
      std::string damaged = whole;
      damaged[at] = static_cast<char>(damaged[at] ^ 1);
      std::ofstream(path, std::ios::binary) << damaged;
      EXPECT_FALSE(store_.newest_valid().checkpoint) << file << " byte " << at;
    }
    std::ofstream(path, std::ios::binary) << whole;
  }
  EXPECT_TRUE(store_.newest_valid().checkpoint);
}

TEST_F(CheckpointStoreTest, RefusesAManifestThatLeavesItsFolder) {
  store_.save(1, parts_of("x"), 4);
  const fs::path path = scratch_ / "checkpoints/000001/manifest.json";
  std::string text = read_file(path, 1 << 20);
  text.replace(text.find("run.json"), 8, "../x.jsn");
  std::ofstream(path) << text;
  EXPECT_THAT(store_.newest_valid().damaged, ElementsAre(HasSubstr("another folder")));
}

TEST_F(CheckpointStoreTest, TakesAFolderOfAnotherStepForDamaged) {
  store_.save(1, parts_of("x"), 4);
  fs::rename(scratch_ / "checkpoints/000001", scratch_ / "checkpoints/000009");
  const NewestCheckpoint found = store_.newest_valid();
  EXPECT_FALSE(found.checkpoint);
  EXPECT_THAT(found.damaged, ElementsAre(HasSubstr("it was renamed")));
}

TEST_F(CheckpointStoreTest, AFailedSaveLeavesEverythingAsItWas) {
  store_.save(1, parts_of("good"), 1);
  auto parts = parts_of("bad");
  parts.push_back({"last", 0, [](ByteSink& sink) {
                     sink.write("half");
                     throw std::runtime_error("stopped");
                   }});
  EXPECT_THROW(store_.save(1, parts, 1), std::runtime_error);
  EXPECT_THROW(store_.save(2, parts, 1), std::runtime_error);
  EXPECT_THAT(names_in(scratch_ / "checkpoints"), ElementsAre("000001"));
  EXPECT_EQ(content(*store_.newest_valid().checkpoint), "good");
}

TEST_F(CheckpointStoreTest, NamesTheBytesThatAreMissing) {
  store_.save(1, parts_of("good"), 1);
  auto parts = parts_of("x");
  parts[0].bytes = uint64_t{1} << 60;
  bool written = false;
  parts[0].write = [&](ByteSink&) { written = true; };
  try {
    store_.save(2, parts, 1);
    ADD_FAILURE() << "was saved";
  } catch (const DiskFull& full) {
    EXPECT_EQ(full.exit_code(), 6);
    EXPECT_EQ(full.needed(), (uint64_t{1} << 60) + 2 + 65536);
    EXPECT_THAT(full.what(), HasSubstr(std::to_string(full.needed()) + " bytes are needed"));
  }
  EXPECT_FALSE(written);
  EXPECT_EQ(store_.newest_valid().checkpoint->step, 1);
}

TEST_F(CheckpointStoreTest, RefusesNamesThatAreNotFiles) {
  for (const std::string name : {"", "a/b", ".hidden", "manifest.json", "run.json"}) {
    auto parts = parts_of("x");
    parts[0].name = name;
    EXPECT_THROW(store_.save(1, parts, 1), Error) << name;
  }
}

TEST_F(CheckpointStoreTest, RemovesWhatKilledSavesLeft) {
  store_.save(1, parts_of("good"), 4);
  const fs::path folder = scratch_ / "checkpoints";
  for (const std::string name : {".000002.saving", ".000001.removing", ".000001.replaced"}) {
    fs::create_directory(folder / name);
    std::ofstream(folder / name / "state.safetensors") << "half";
  }
  std::ofstream(folder / "notes.txt") << "of the user";
  store_.remove_leftovers();
  EXPECT_THAT(names_in(folder), ElementsAre("000001", "notes.txt"));
  // Cut between the two renames of a replacement: the old one is the only one.
  fs::rename(folder / "000001", folder / ".000001.replaced");
  fs::create_directory(folder / ".000001.saving");
  store_.remove_leftovers();
  EXPECT_THAT(names_in(folder), ElementsAre("000001", "notes.txt"));
  EXPECT_EQ(content(*store_.newest_valid().checkpoint), "good");
}

TEST(DiskSpace, CountsOneCheckpointMoreThanAreKept) {
  const DiskNeed need{.checkpoint = 100, .keep = 4, .results = 7, .samples = 20, .cache = 3};
  EXPECT_EQ(need.bytes(), 530u);
  DiskNeed present = need;
  present.present = 400;
  EXPECT_EQ(present.bytes(), 130u);
  EXPECT_EQ((DiskNeed{.checkpoint = UINT64_MAX / 2, .keep = 4}).bytes(), UINT64_MAX);
}

TEST(DiskSpace, RefusesARunThatDoesNotFit) {
  const testing_support::ScratchFolder scratch;
  EXPECT_NO_THROW(check_disk_space(scratch / "not/yet/there", {.checkpoint = 10}));
  try {
    check_disk_space(scratch / "not/yet/there", {.checkpoint = uint64_t{1} << 58, .keep = 2});
    ADD_FAILURE();
  } catch (const DiskFull& full) {
    EXPECT_EQ(full.exit_code(), 6);
    EXPECT_THAT(full.what(),
                HasSubstr(fmt::format("needs {} more bytes", 3 * (uint64_t{1} << 58))));
  }
}

TEST(FailToWrite, TellsAFullDiskFromOtherReasons) {
  for (const int reason : {ENOSPC, EDQUOT, EFBIG}) {
    EXPECT_THROW(fail_to_write("/tmp", reason, 5), DiskFull);
  }
  try {
    fail_to_write("/tmp/x", EACCES, 5);
  } catch (const DiskFull&) {
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.exit_code(), 6);
    EXPECT_THAT(error.what(), HasSubstr("Permission denied"));
  }
}

}  // namespace
}  // namespace iclora::run
