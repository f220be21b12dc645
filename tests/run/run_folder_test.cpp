#include "run/run_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "core/error.h"
#include "core/file.h"
#include "core/yaml.h"
#include "run/load_config.h"
#include "scratch.h"

namespace iclora::run {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

class RunFolderTest : public testing::Test {
 protected:
  RunFolderTest() {
    config_.name = "n";
    config_.model = "m";
    config_.data.path = "d";
    config_.out = scratch_ / "runs/n";
  }
  static std::vector<CheckpointPart> parts() {
    return {{"a", 1, [](ByteSink& sink) { sink.write("x"); }}};
  }
  /// Of the check and of the opening, which must be the same.
  std::string refusal(bool resume) {
    std::string checked = "accepted", opened = "accepted";
    try {
      RunFolder::check(config_, resume);
    } catch (const Error& error) {
      EXPECT_EQ(error.exit_code(), 2);
      checked = error.what();
    }
    try {
      const RunFolder folder(config_, resume);
    } catch (const Error& error) {
      EXPECT_EQ(error.exit_code(), 2);
      opened = error.what();
    }
    EXPECT_EQ(checked, opened);
    return opened;
  }

  testing_support::ScratchFolder scratch_;
  Config config_;
};

TEST_F(RunFolderTest, CreatesAndNamesItsParts) {
  RunFolder::check(config_, false);
  EXPECT_FALSE(fs::exists(config_.out));
  const RunFolder folder(config_, false);
  EXPECT_EQ(config_to_json(config_from_json(read_yaml(folder.config()), "x")),
            config_to_json(config_));
  EXPECT_EQ(folder.step(), 0);
  const fs::path root = config_.out;
  EXPECT_EQ(folder.result(), root / "lora/n.safetensors");
  EXPECT_EQ(folder.lora(200), root / "lora/n-000200.safetensors");
  EXPECT_EQ(folder.samples(200), root / "samples/000200");
  EXPECT_EQ(folder.checkpoints().folder(), root / "checkpoints");
}

TEST_F(RunFolderTest, RefusesAFolderThatIsNotEmpty) {
  create_folders(config_.out);
  EXPECT_EQ(refusal(false), "accepted");  // an empty one
  fs::remove_all(config_.out);
  create_folders(config_.out);
  write_file(fs::path(config_.out) / "notes.txt", "mine");
  EXPECT_THAT(refusal(false), HasSubstr("is not empty"));
  EXPECT_THAT(refusal(true), HasSubstr("is not the folder of a run: it has no config.yaml"));
  EXPECT_EQ(std::distance(fs::directory_iterator(config_.out), {}), 1);
  config_.out += "/notes.txt";
  EXPECT_THAT(refusal(false), HasSubstr("is a file"));
}

TEST_F(RunFolderTest, ResumesFromTheNewestCheckpoint) {
  {
    const RunFolder folder(config_, true);  // nothing to resume: a new run
    EXPECT_EQ(folder.step(), 0);
    EXPECT_THAT(folder.notes(), ElementsAre(HasSubstr("starting at step 0")));
    folder.checkpoints().save(100, parts(), 4);
    folder.checkpoints().save(200, parts(), 4);
  }
  {
    const RunFolder folder(config_, true);
    EXPECT_EQ(folder.step(), 200);
    EXPECT_THAT(folder.notes(), ElementsAre("Resuming after step 200."));
  }
  fs::resize_file(fs::path(config_.out) / "checkpoints/000200/a", 0);
  const RunFolder folder(config_, true);
  EXPECT_EQ(folder.step(), 100);
  EXPECT_THAT(folder.damaged(), ElementsAre(HasSubstr("checkpoint of step 200 is damaged")));
  EXPECT_THAT(folder.notes(), ElementsAre(HasSubstr("step 100")));
}

TEST_F(RunFolderTest, RefusesAnotherConfiguration) {
  { const RunFolder folder(config_, false); }
  config_.train.steps = 900;
  config_.save.every = 7;
  config_.sample.emplace();
  { const RunFolder folder(config_, true); }
  EXPECT_THAT(read_file(fs::path(config_.out) / "config.yaml", 1 << 20), HasSubstr("steps: 900"));
  config_.train.learning_rate = 0.5;
  EXPECT_THAT(refusal(true), HasSubstr("was started with train.learning_rate 0.0001, but now it is "
                                       "0.5; --resume may change train.steps, sample and save"));
  EXPECT_THAT(refusal(false), HasSubstr("--resume"));
}

TEST_F(RunFolderTest, RefusesFewerStepsThanAreDone) {
  {
    const RunFolder folder(config_, false);
    folder.checkpoints().save(200, parts(), 4);
  }
  config_.train.steps = 199;
  EXPECT_THROW(RunFolder(config_, true), Error);
  config_.train.steps = 200;
  EXPECT_EQ(RunFolder(config_, true).step(), 200);
}

TEST_F(RunFolderTest, IsOpenInOneProcessAlone) {
  const RunFolder held(config_, false);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    try {
      RunFolder(config_, true);
    } catch (const Error& error) {
      ::_exit(std::string(error.what()).find("in use by another") != std::string::npos ? 42 : 1);
    }
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 42);
  EXPECT_THAT(refusal(true), HasSubstr("in use by another"));
}

TEST_F(RunFolderTest, LetsGoWhenItsProcessDies) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const RunFolder folder(config_, false);
    ::kill(::getpid(), SIGKILL);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(refusal(true), "accepted");
}

TEST_F(RunFolderTest, RemovesWhatAKilledProcessLeft) {
  { const RunFolder folder(config_, false); }
  const fs::path root = config_.out;
  create_folders(root / "lora");
  create_folders(root / "checkpoints/.000005.saving");
  const fs::path part = root / "lora/.n.safetensors.77-0.part";
  std::ofstream(part) << "half";
  std::ofstream(root / "lora/.keep") << "";
  const RunFolder folder(config_, true);
  EXPECT_FALSE(fs::exists(part));
  EXPECT_TRUE(fs::exists(root / "lora/.keep"));
  EXPECT_FALSE(fs::exists(root / "checkpoints/.000005.saving"));
}

TEST_F(RunFolderTest, StartsAnewWhereOnlyAHalfWrittenConfigurationStands) {
  create_folders(config_.out);
  std::ofstream(fs::path(config_.out) / ".config.yaml.77-0.part") << "half";
  EXPECT_THAT(refusal(false), HasSubstr("is not empty"));
  const RunFolder folder(config_, true);
  EXPECT_EQ(folder.step(), 0);
  EXPECT_TRUE(fs::exists(folder.config()));
}

}  // namespace
}  // namespace iclora::run
