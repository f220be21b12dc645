#include "dataset/read_sets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data_set.h"
#include "dataset/files.h"
#include "dataset/picture.h"
#include "image/read.h"

namespace iclora::dataset {
namespace {

using testing::HasSubstr;
using testing_support::ScratchFolder;

const std::string kScenes = "[FILM] a fox's day [SCENE-1] sleeps [SCENE-2] runs [SCENE-3] eats";

std::vector<std::string> ids(const std::vector<Set>& sets) {
  std::vector<std::string> list;
  list.reserve(sets.size());
  for (const Set& set : sets) list.push_back(set.id);
  return list;
}

TEST(ReadSets, ReadsFoldersWithEitherCaption) {
  const ScratchFolder scratch;
  put_set(scratch / "sets" / "10", 3, 48, 32, 1, kScenes);
  put_set(scratch / "sets" / "2", 2, 32, 32, 2, "");
  fs::remove(scratch / "sets" / "2" / "caption.txt");
  put_text(scratch / "sets" / "2" / "caption.json",
           R"({"overall": "two mugs", "panels": ["red", "blue"], "centres": [null, [0, 1]]})");
  const std::vector<Set> sets = read_sets(scratch.path());
  ASSERT_EQ(ids(sets), (std::vector<std::string>{"2", "10"}));
  EXPECT_EQ(sets[0].caption, (captions::JointCaption{"", "two mugs", {"red", "blue"}}));
  EXPECT_EQ(sets[0].panels[1].centre, (Centre{0, 1}));
  EXPECT_FALSE(sets[0].panels[0].centre || sets[0].grid || sets[0].dialect);
  EXPECT_EQ(sets[1].caption.trigger, "[FILM]");
  EXPECT_EQ(sets[1].caption.panels[2], "eats");
  EXPECT_EQ(sets[1].grid, (panels::Grid{3, 1}));
  EXPECT_EQ(sets[1].panels[2].size, (panels::Size{48, 32}));
  EXPECT_EQ(sets[1].panels[2].sha256.size(), 64U);
  // The folder of the sets, and one of them, are data sets too.
  EXPECT_EQ(read_sets(scratch / "sets" / "").size(), 2U);
  EXPECT_EQ(ids(read_sets(scratch / "sets" / "10")), std::vector<std::string>{"10"});
}

TEST(ReadSets, ReadsAManifest) {
  const ScratchFolder scratch;
  for (uint64_t i = 1; i <= 4; ++i) put_photo(scratch / "p" / fmt::format("{}.png", i), 32, 32, i);
  put_text(scratch / "sets.jsonl",
           R"({"id": "b", "task": "mugs", "grid": "1x2", "overall": "o", "panels": [)"
           R"({"image": "p/1.png", "caption": "red"}, {"image": "p/2.png", "caption": "blue", )"
           R"("centre": [0.5, 0]}]})"
           "\n\n"
           R"({"id": 7, "overall": "", "panels": [{"image": "p/3.png", "caption": "x"}]})"
           "\r\n");
  for (const fs::path& path : {scratch.path(), scratch / "sets.jsonl"}) {
    const std::vector<Set> sets = read_sets(path);
    ASSERT_EQ(ids(sets), (std::vector<std::string>{"b", "7"}));
    EXPECT_EQ(sets[0].task, "mugs");
    EXPECT_EQ(sets[0].grid, (panels::Grid{1, 2}));
    EXPECT_EQ(sets[0].caption, (captions::JointCaption{"", "o", {"red", "blue"}}));
    EXPECT_EQ(sets[0].panels[1].centre, (Centre{0.5, 0}));
    EXPECT_EQ(sets[1].panels.size(), 1U);
  }
}

TEST(ReadSets, CutsGluedCanvasesByTheirMarkersOrTheGrid) {
  const ScratchFolder scratch;
  // What the authors' archive unpacks to on a Mac.
  const fs::path folder = scratch / "movie-shots";
  put_photo(folder / "a.png", 50, 100, 1);
  put_text(folder / "a.txt", kScenes);
  put_photo(folder / "b.png", 64, 64, 2);
  put_text(folder / "b.txt",
           "\xEF\xBB\xBF"
           "an ordinary picture");
  put_text(folder / "._a.png", "junk");
  put_text(folder / ".DS_Store", "junk");
  put_text(scratch / "__MACOSX" / "movie-shots" / "._a.png", "junk");
  const std::vector<Set> sets = read_sets(scratch.path());
  ASSERT_EQ(ids(sets), (std::vector<std::string>{"a", "b"}));
  ASSERT_EQ(sets[0].panels.size(), 3U);
  EXPECT_EQ(sets[0].panels[0].box, (panels::Box{0, 0, 50, 34}));
  EXPECT_EQ(sets[0].panels[2].box, (panels::Box{0, 67, 50, 33}));
  EXPECT_EQ(sets[0].panels[2].size, (panels::Size{50, 33}));
  ASSERT_EQ(sets[1].panels.size(), 1U);
  EXPECT_FALSE(sets[1].panels[0].box);
  EXPECT_EQ(sets[1].caption.overall, "an ordinary picture");
  fs::remove(folder / "a.txt");
  fs::remove(folder / "a.png");
  const std::vector<Set> stated = read_sets(scratch.path(), {panels::Grid{1, 2}});
  EXPECT_EQ(stated[0].panels[1].box, (panels::Box{32, 0, 32, 64}));
}

TEST(ReadSets, ThrowsTheFirstOfAllErrors) {
  const ScratchFolder scratch;
  put_set(scratch / "a", 3, 32, 32, 1, kScenes);
  put_set(scratch / "b", 2, 32, 32, 2, kScenes);
  put_set(scratch / "c", 2, 32, 32, 2, "");
  try {
    read_sets(scratch.path());
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.exit_code(), 2);
    EXPECT_THAT(error.what(), HasSubstr("b/caption.txt: The caption describes 3 panels, but there "
                                        "are 2."));
    EXPECT_THAT(error.what(), HasSubstr("There is 1 more; 'iclora dataset check"));
  }
}

TEST(ReadSets, ACaptionThatCannotBeReadIsNotCalledEmpty) {
  for (const char* text : {"{\"overall\": ", "[1]", R"({"panels": 3})", R"({"overall": 3})"}) {
    const ScratchFolder scratch;
    put_set(scratch / "a", 2, 32, 32, 1, "");
    fs::remove(scratch / "a/caption.txt");
    put_text(scratch / "a/caption.json", text);
    const Scan scan = scan_sets(scratch.path());
    ASSERT_EQ(scan.problems.size(), 1U) << line_of(scan.problems[0]);
    EXPECT_THAT(scan.problems[0].what, testing::Not(HasSubstr("empty")));
  }
}

// Every way to store a picture that image/ can read gives its decoded size, turned ones included.
TEST(PictureFacts, TheSizeIsThatOfTheDecodedPicture) {
  size_t seen = 0;
  for (const fs::directory_entry& entry : fs::directory_iterator(ICLORA_FIXTURES "/pictures")) {
    if (!has_picture_name(entry.path()) || entry.path().filename() == "animated.webp") continue;
    const image::Image picture = image::read_image(entry.path());
    EXPECT_EQ(picture_facts(entry.path()).size, (panels::Size{picture.width, picture.height}))
        << entry.path();
    ++seen;
  }
  EXPECT_GT(seen, 100U);
}

TEST(Files, NaturalOrderCountsNumbers) {
  EXPECT_TRUE(natural_less("2", "10"));
  EXPECT_TRUE(natural_less("a2b", "a10b"));
  EXPECT_TRUE(natural_less("01", "1") != natural_less("1", "01"));
  EXPECT_FALSE(natural_less("a", "a"));
  EXPECT_TRUE(natural_less("a", "b"));
  EXPECT_TRUE(natural_less("a", "a1"));
}

TEST(Files, UnsafePathsAreNamed) {
  const ScratchFolder scratch;
  const ScratchFolder outside;
  put_text(outside / "secret.png", "x");
  fs::create_directory_symlink(outside.path(), scratch / "link");
  put_text(scratch / "inside.png", "x");
  EXPECT_FALSE(unsafe_path("inside.png", scratch.path()));
  EXPECT_FALSE(unsafe_path("not/there.png", scratch.path()));
  for (const char* path : {"", "/etc/passwd", "../a.png", "a/../../b.png", "a\nb.png", "\xFF.png",
                           "..\\a.png", "link/secret.png"}) {
    EXPECT_TRUE(unsafe_path(path, scratch.path())) << path;
  }
  EXPECT_TRUE(is_safe_name("a b-1.x"));
  for (const char* name : {"", ".a", "a/b", "a\\b", "a\tb", " a", "a ", "\xC3"}) {
    EXPECT_FALSE(is_safe_name(name)) << name;
  }
}

}  // namespace
}  // namespace iclora::dataset
