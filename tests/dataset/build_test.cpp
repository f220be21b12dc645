#include "dataset/build.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data_set.h"
#include "dataset/check.h"
#include "dataset/load.h"
#include "image/read.h"

namespace iclora::dataset {
namespace {

using testing::HasSubstr;
using testing_support::ScratchFolder;

Built build(const fs::path& source, const fs::path& out, const BuildOptions& options) {
  NoProgress progress;
  return build_data_set(source, out, options, progress);
}

/// What training on a data set sees, by id: canvas, layout and caption.
std::map<std::string, PreparedSet> seen(const fs::path& path, const DataOptions& data) {
  const Scan scan = scan_sets(path, {data.grid});
  EXPECT_FALSE(has_errors(scan.problems)) << all_lines(scan.problems);
  Problems problems;
  const Plan plan = plan_sets(scan.sets, data, problems);
  EXPECT_FALSE(has_errors(problems)) << all_lines(problems);
  std::map<std::string, PreparedSet> list;
  for (const Item& item : plan.training) {
    list[scan.sets[item.set].id] = load_set(scan.sets[item.set], item, data.fit);
  }
  return list;
}

void expect_same(const std::map<std::string, PreparedSet>& a,
                 const std::map<std::string, PreparedSet>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (const auto& [id, set] : a) {
    ASSERT_TRUE(b.contains(id)) << id;
    EXPECT_EQ(set.canvas, b.at(id).canvas) << id;
    EXPECT_EQ(set.layout, b.at(id).layout) << id;
    EXPECT_EQ(set.caption, b.at(id).caption) << id;
  }
}

/// Sets of many kinds, in a manifest that can say all of them.
void put_zoo(const fs::path& root) {
  std::string text;
  const auto line = [&](const Json& json) { text += json.dump() + "\n"; };
  const auto panels = [&](int from, const std::vector<panels::Size>& sizes, bool parts = true) {
    Json list = Json::array();
    for (size_t i = 0; i < sizes.size(); ++i) {
      const std::string name = fmt::format("p{}.png", from + static_cast<int>(i));
      put_photo(root / name, sizes[i].width, sizes[i].height, static_cast<uint64_t>(from) + i);
      list.push_back({{"image", name}});
      if (parts) list.back()["caption"] = fmt::format("part \"{}\" of naïve 雨", i + 1);
    }
    return list;
  };
  line({{"id", "stack"},
        {"overall", "three"},
        {"panels", panels(1, {{70, 50}, {64, 64}, {80, 40}})}});
  line({{"id", "wide"},
        {"grid", "1x3"},
        {"overall", "x"},
        {"panels", panels(11, {{64, 48}, {64, 48}, {64, 48}})}});
  line({{"id", "image dialect"},
        {"dialect", "image"},
        {"trigger", "[TAG]"},
        {"overall", "o"},
        {"panels", panels(21, {{64, 48}, {64, 48}})}});
  line({{"id", "four"},
        {"grid", "2x2"},
        {"task", "t"},
        {"overall", "o"},
        {"panels", panels(31, {{64, 48}, {64, 48}, {64, 48}, {64, 48}})}});
  line({{"id", "strip"},
        {"grid", "row"},
        {"overall", "o"},
        {"panels", panels(41, {{100, 50}, {40, 80}})}});
  line({{"id", "boxes"},
        {"canvas", "128x64"},
        {"boxes", {{0, 0, 64, 64}, {64, 0, 64, 32}}},
        {"overall", "o"},
        {"panels", panels(51, {{100, 100}, {100, 50}})}});
  line({{"id", "one"}, {"overall", "a single picture"}, {"panels", panels(61, {{77, 55}}, false)}});
  line({{"id", "no parts"},
        {"overall", "two of them"},
        {"panels", panels(71, {{64, 64}, {64, 64}}, false)}});
  put_text(root / "sets.jsonl", text);
}

TEST(Build, FoldersAndManifestSayTheSameAsTheirSource) {
  const ScratchFolder scratch;
  put_zoo(scratch / "zoo");
  const auto before = seen(scratch / "zoo", {});
  ASSERT_EQ(before.size(), 8U);
  for (const Form form : {Form::folders, Form::manifest}) {
    const fs::path out = scratch / fmt::format("out-{}", static_cast<int>(form));
    const Built built = build(scratch / "zoo", out, {{}, form});
    EXPECT_EQ(built.sets, 8U);
    EXPECT_EQ(built.pictures, 19U);
    expect_same(before, seen(out, {}));
  }
  // What was cut and fitted once is not cut again.
  Problems problems;
  plan_sets(read_sets(scratch / "out-0"), {}, problems);
  EXPECT_EQ(all_lines(problems), "");
}

TEST(Build, WritesWhatTheOptionsAskFor) {
  const ScratchFolder scratch;
  put_zoo(scratch / "zoo");
  // Two panels alone, so that one grid fits all.
  fs::create_directory(scratch / "two");
  for (const char* id : {"a", "b"}) {
    put_set(scratch / "two" / id, 2, 80, 60, id[0], fmt::format("x [LEFT] l {} [RIGHT] r", id));
  }
  BuildOptions options;
  options.data.panel = panels::Size{48, 32};
  options.data.fit = {Fit::Kind::contain, {0, 1}};
  options.data.dialect = captions::Dialect::panel;
  options.data.trigger = "[NEW]";
  options.data.gutter = 16;
  const auto before = seen(scratch / "two", options.data);
  EXPECT_EQ(before.at("a").caption, "[NEW] x [PANEL-1] l a [PANEL-2] r");
  for (const Form form : {Form::folders, Form::manifest}) {
    const fs::path out = scratch / fmt::format("out-{}", static_cast<int>(form));
    options.form = form;
    build(scratch / "two", out, options);
    DataOptions gutter;
    gutter.gutter = 16;
    expect_same(before, seen(out, gutter));
  }
}

TEST(Build, CutsGluedCanvasesAndGluesThemAgain) {
  const ScratchFolder scratch;
  put_photo(scratch / "glued" / "a.png", 108, 144, 1);
  put_text(scratch / "glued" / "a.txt", "[FILM] x [SCENE-1] a [SCENE-2] b [SCENE-3] c");
  put_photo(scratch / "glued" / "b.png", 96, 64, 2);
  put_text(scratch / "glued" / "b.txt", "y [LEFT] d [RIGHT] e");
  const auto before = seen(scratch / "glued", {});
  build(scratch / "glued", scratch / "sets", {});
  EXPECT_TRUE(fs::exists(scratch / "sets" / "sets" / "a" / "3.png"));
  expect_same(before, seen(scratch / "sets", {}));
  build(scratch / "sets", scratch / "again", {{}, Form::canvases});
  expect_same(before, seen(scratch / "again", {}));
  // A canvas knows its layout.
  EXPECT_THAT(image::read_texts(scratch / "again" / "a.png").at("iclora"), HasSubstr("\"3x1\""));
  EXPECT_EQ(all_lines(check(scratch / "again", {}).problems).find("error"), std::string::npos);
}

TEST(Build, TakesFoldersOfPicturesOfAnyName) {
  const ScratchFolder scratch;
  put_photo(scratch / "raw" / "fox" / "frame 10.png", 64, 64, 10);
  put_photo(scratch / "raw" / "fox" / "frame 9.png", 64, 64, 9);
  put_text(scratch / "raw" / "fox" / "frame 9.txt", "sleeps\n");
  put_text(scratch / "raw" / "fox" / "frame 10.txt", "runs");
  put_photo(scratch / "raw" / "owl" / "a.png", 64, 64, 1);
  put_photo(scratch / "raw" / "owl" / "b.png", 64, 64, 2);
  put_text(scratch / "raw" / "owl" / "caption.txt", "an owl [TOP] a [BOTTOM] b");
  put_photo(scratch / "raw" / "mute" / "x.png", 64, 64, 3);
  const Built built = build(scratch / "raw", scratch / "out", {});
  EXPECT_EQ(built.sets, 3U);
  EXPECT_TRUE(find_problem(built.warnings, "mute", "has no caption")) << all_lines(built.warnings);
  EXPECT_EQ(image::read_image(scratch / "out" / "sets" / "fox" / "1.png"), photo(64, 64, 9));
  fs::remove_all(scratch / "out" / "sets" / "mute");
  const auto sets = seen(scratch / "out", {});
  EXPECT_EQ(sets.at("fox").caption, "[TOP] sleeps [BOTTOM] runs");
  EXPECT_EQ(sets.at("owl").caption, "an owl [TOP] a [BOTTOM] b");
  // check sees nothing but numbered pictures.
  EXPECT_TRUE(has_errors(scan_sets(scratch / "raw").problems));
}

TEST(Build, LeavesNothingBehindWhenItRefuses) {
  const ScratchFolder scratch;
  put_set(scratch / "in" / "a", 2, 64, 64, 1, "x [LEFT] a [RIGHT] b");
  put_set(scratch / "in" / "b", 2, 64, 64, 2, "x [LEFT] a [RIGHT] b");
  const auto message = [&](const fs::path& out, const BuildOptions& options) {
    try {
      build(scratch / "in", out, options);
    } catch (const Error& error) {
      EXPECT_EQ(error.exit_code(), 2);
      return std::string(error.what());
    }
    return std::string("built");
  };
  put_text(scratch / "full" / "x.txt", "mine");
  EXPECT_THAT(message(scratch / "full", {}), HasSubstr("is not empty"));
  EXPECT_EQ(std::distance(fs::directory_iterator(scratch / "full"), {}), 1);
  put_text(scratch / "file", "x");
  EXPECT_THAT(message(scratch / "file", {}), HasSubstr("is a file"));
  EXPECT_THAT(message(scratch / "in" / "x", {}), HasSubstr("inside the data set"));
  EXPECT_FALSE(fs::exists(scratch / "in" / "x"));
  BuildOptions two;
  two.data.resolutions = {64, 128};
  EXPECT_THAT(message(scratch / "out", two), HasSubstr("one resolution"));
  BuildOptions glued;
  glued.form = Form::canvases;
  glued.data.gutter = 16;
  EXPECT_THAT(message(scratch / "out", glued), HasSubstr("no gutters"));
  glued.data.gutter = 0;
  put_set(scratch / "in" / "c", 2, 64, 64, 3, "");
  fs::remove(scratch / "in" / "c" / "caption.txt");
  put_text(scratch / "in" / "c" / "caption.json",
           R"({"overall": "x", "panels": ["see [top]", "b"]})");
  EXPECT_THAT(message(scratch / "out", glued), HasSubstr("could not be read again"));
  EXPECT_FALSE(fs::exists(scratch / "out"));
  fs::remove_all(scratch / "in" / "c");
  // A picture whose pixels are damaged is found only while writing.
  std::string bytes = image::encode_png(photo(64, 64, 9));
  bytes.resize(bytes.size() - 200);
  bytes += image::encode_png(photo(8, 8, 9)).substr(image::encode_png(photo(8, 8, 9)).size() - 12);
  put_text(scratch / "in" / "b" / "2.png", bytes);
  EXPECT_NE(message(scratch / "out", {}), "built");
  EXPECT_FALSE(fs::exists(scratch / "out"));
  for (const fs::directory_entry& entry : fs::directory_iterator(scratch.path())) {
    EXPECT_FALSE(entry.path().filename().native().starts_with('.')) << entry.path();
  }
  // An empty folder is as good as none.
  fs::create_directory(scratch / "empty");
  put_photo(scratch / "in" / "b" / "2.png", 64, 64, 9);
  EXPECT_EQ(message(scratch / "empty", {}), "built");
  EXPECT_TRUE(fs::exists(scratch / "empty" / "sets" / "b" / "2.png"));
}

class Cancelling final : public Progress {
 public:
  void report(const ProgressEvent&) override {}
  bool cancelled() const override { return true; }
};

TEST(Build, StopsWhenItIsCancelled) {
  const ScratchFolder scratch;
  put_set(scratch / "in" / "a", 2, 64, 64, 1, "x [LEFT] a [RIGHT] b");
  Cancelling progress;
  EXPECT_THROW(build_data_set(scratch / "in", scratch / "out", {}, progress), Cancelled);
  EXPECT_FALSE(fs::exists(scratch / "out"));
  EXPECT_EQ(std::distance(fs::directory_iterator(scratch.path()), {}), 1);
}

}  // namespace
}  // namespace iclora::dataset
