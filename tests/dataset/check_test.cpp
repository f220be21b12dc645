#include "dataset/check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/file.h"
#include "good_sets.h"
#include "image/read.h"
#include "image/resize.h"

namespace iclora::dataset {
namespace {

using testing_support::ScratchFolder;

/// One seeded fault: how it is made, and what must be told of which file.
struct Seed {
  std::string name;
  std::function<void(const fs::path&)> make;
  std::string file;
  Level level;
  std::string what;
  DataOptions data = {};
};

void PrintTo(const Seed& seed, std::ostream* out) {
  *out << seed.name;
}

std::function<void(const fs::path&)> folders_then(std::function<void(const fs::path&)> change) {
  return [change](const fs::path& root) {
    put_folders(root);
    change(root);
  };
}

std::function<void(const fs::path&)> canvases_then(std::function<void(const fs::path&)> change) {
  return [change](const fs::path& root) {
    put_canvases(root);
    change(root);
  };
}

std::function<void(const fs::path&)> manifest_then(std::function<void(Json&)> change) {
  return [change](const fs::path& root) {
    std::vector<Json> lines = put_manifest(root);
    change(lines[1]);
    put_manifest(root, lines);
  };
}

std::function<void(const fs::path&)> caption(const std::string& text) {
  return folders_then([text](const fs::path& r) { put_text(r / "set-2/caption.txt", text); });
}

std::function<void(const fs::path&)> caption_json(const std::string& text) {
  return folders_then([text](const fs::path& r) {
    fs::remove(r / "set-2/caption.txt");
    put_text(r / "set-2/caption.json", text);
  });
}

DataOptions with_panel(int64_t width, int64_t height) {
  DataOptions data;
  data.panel = panels::Size{width, height};
  return data;
}

DataOptions with_grid(int64_t rows, int64_t columns) {
  DataOptions data;
  data.grid = panels::Grid{rows, columns};
  return data;
}

DataOptions with_dialect(captions::Dialect dialect) {
  DataOptions data;
  data.dialect = dialect;
  return data;
}

void damage(const fs::path& path, size_t keep) {
  const std::string bytes = read_file(path, 1 << 24);
  write_file(path, bytes.substr(0, std::min(keep, bytes.size())));
}

std::vector<Seed> pictures() {
  const fs::path fixtures = ICLORA_FIXTURES "/pictures";
  return {
      {"no picture", folders_then([](auto& r) { put_text(r / "set-2/2.png", "<html>"); }),
       "set-2/2.png", Level::error, "not a picture that can be read"},
      {"empty file", folders_then([](auto& r) { put_text(r / "set-2/2.png", ""); }), "set-2/2.png",
       Level::error, "is empty"},
      {"cut PNG", folders_then([](auto& r) { damage(r / "set-2/2.png", 3000); }), "set-2/2.png",
       Level::error, "set-2/2.png"},
      {"cut JPEG", folders_then([=](auto& r) {
         fs::remove(r / "set-2/2.png");
         const std::string bytes = read_file(fixtures / "subsampled.jpg", 1 << 20);
         write_file(r / "set-2/2.jpg", bytes.substr(0, bytes.size() * 2 / 3));
       }),
       "set-2/2.jpg", Level::error, "set-2/2.jpg"},
      {"damaged pixels", folders_then([](auto& r) {
         std::string bytes = read_file(r / "set-2/2.png", 1 << 24);
         for (size_t i = bytes.size() / 2; i < bytes.size() / 2 + 40; ++i) bytes[i] ^= 0x55;
         write_file(r / "set-2/2.png", bytes);
       }),
       "set-2/2.png", Level::error, "set-2/2.png"},
      {"foreign format",
       folders_then([](auto& r) { fs::rename(r / "set-2/2.png", r / "set-2/2.tiff"); }),
       "set-2/2.tiff", Level::error, "'.tiff' are not read"},
      {"gap in the numbers", folders_then([](auto& r) { fs::remove(r / "set-2/2.png"); }), "set-2",
       Level::error, "Panel 2 is missing"},
      {"numbers from zero", folders_then([](auto& r) { put_photo(r / "set-2/0.png", 96, 64, 99); }),
       "set-2", Level::error, "'0.png'"},
      {"a number twice", folders_then([](auto& r) { put_photo(r / "set-2/02.png", 96, 64, 99); }),
       "set-2/2.png", Level::error, "Panel 2 stands twice"},
      {"name without number",
       folders_then([](auto& r) { put_photo(r / "set-2/cover.png", 96, 64, 99); }),
       "set-2/cover.png", Level::warning, "its name is no number"},
      {"too small for a token",
       folders_then([](auto& r) { put_photo(r / "set-2/2.png", 12, 8, 9); }), "set-2", Level::error,
       "smaller than the least"},
      {"much smaller than others",
       folders_then([](auto& r) { put_photo(r / "set-2/2.png", 36, 24, 9); }), "set-2/2.png",
       Level::warning, "too small: 36x24"},
      {"smaller than the stated panel",
       folders_then([](auto& r) { put_photo(r / "set-2/2.png", 72, 48, 9); }), "set-2/2.png",
       Level::warning, "too small: its 72x48 pixels are enlarged 1.33 times", with_panel(96, 64)},
      {"another shape", folders_then([](auto& r) { put_photo(r / "set-2/2.png", 64, 128, 9); }),
       "set-2/2.png", Level::warning, "62 % of panel 2 is cut off"},
      {"single colour",
       folders_then([](auto& r) { image::write_png(r / "set-2/2.png", image::Image(96, 64)); }),
       "set-2/2.png", Level::warning, "shows a single colour"},
      {"larger than can be read", folders_then([](auto& r) {
         std::string bytes = read_file(r / "set-2/2.png", 1 << 24);
         bytes.replace(16, 4, std::string("\x7F\xFF\xFF\xFF", 4));
         write_file(r / "set-2/2.png", bytes);
       }),
       "set-2/2.png", Level::error, "set-2/2.png"},
  };
}

std::vector<Seed> captions_seeds() {
  std::string long_text = "[FILM] long [SCENE-1]";
  for (int i = 0; i < 520; ++i) long_text += " word";
  return {
      {"no caption", folders_then([](auto& r) { fs::remove(r / "set-2/caption.txt"); }), "set-2",
       Level::error, "has no caption"},
      {"empty caption", caption(" \n"), "set-2/caption.txt", Level::error, "caption is empty"},
      {"two captions", folders_then([](auto& r) { put_text(r / "set-2/caption.json", "{}"); }),
       "set-2", Level::error, "caption.txt and caption.json"},
      {"not UTF-8", caption("[FILM] caf\xE9 [SCENE-1] a [SCENE-2] b [SCENE-3] c"),
       "set-2/caption.txt", Level::error, "not UTF-8 text: byte 11"},
      {"zero byte", caption(std::string("a\0b", 3)), "set-2/caption.txt", Level::error,
       "not UTF-8 text: byte 2"},
      {"too few parts", caption("[FILM] x [SCENE-1] a [SCENE-2] b"), "set-2/caption.txt",
       Level::error, "describes 2 panels, but there are 3"},
      {"too many parts", caption("[FILM] x [SCENE-1] a [SCENE-2] b [SCENE-3] c [SCENE-4] d"),
       "set-2/caption.txt", Level::error, "describes 4 panels, but there are 3"},
      {"marker missing", caption("[FILM] x [SCENE-1] a [SCENE-3] c"), "set-2/caption.txt",
       Level::error, "[SCENE-2] is missing"},
      {"markers out of order", caption("[FILM] x [SCENE-2] a [SCENE-1] b [SCENE-3] c"),
       "set-2/caption.txt", Level::error, "[SCENE-1] stands after [SCENE-2]"},
      {"marker twice", caption("[FILM] x [SCENE-1] a [SCENE-2] b [SCENE-2] c [SCENE-3] d"),
       "set-2/caption.txt", Level::error, "[SCENE-2] stands 2 times"},
      {"marker misspelled", caption("[FILM] x [SCENE 1] a [SCENE 2] b [SCENE 3] c"),
       "set-2/caption.txt", Level::error, "'[SCENE 1]' is not how a marker is written"},
      {"two dialects", caption("[FILM] x [SCENE-1] a [LEFT] b [SCENE-2] c [RIGHT] d [SCENE-3] e"),
       "set-2/caption.txt", Level::warning, "two dialects"},
      {"no markers", caption("[FILM] three pictures of a fox"), "set-2/caption.txt", Level::warning,
       "has no markers"},
      {"empty part", caption("[FILM] x [SCENE-1] a [SCENE-2] [SCENE-3] c"), "set-2/caption.txt",
       Level::warning, "part of panel 2 is empty"},
      {"no overall text", caption("[FILM] [SCENE-1] a [SCENE-2] b [SCENE-3] c"),
       "set-2/caption.txt", Level::warning, "no overall text"},
      {"names spelled in two ways",
       caption("[FILM] x [SCENE-1] <Elena> a [SCENE-2] <Elana> b [SCENE-3] c"), "set-2/caption.txt",
       Level::warning, "<Elena> and <Elana>"},
      {"name without brackets",
       caption("[FILM] x [SCENE-1] <Elena> a [SCENE-2] Elena b [SCENE-3] c"), "set-2/caption.txt",
       Level::warning, "without its brackets in panel 2"},
      {"name not closed", caption("[FILM] x [SCENE-1] <Elena a [SCENE-2] b [SCENE-3] c"),
       "set-2/caption.txt", Level::warning, "not closed"},
      {"name not introduced",
       caption("[FILM] <Elena> at home [SCENE-1] <Elena> a [SCENE-2] <Boris> b [SCENE-3] c"),
       "set-2/caption.txt", Level::warning, "introduces only <Elena>"},
      {"too long for the text encoder", caption(long_text + " [SCENE-2] b [SCENE-3] c"),
       "set-2/caption.txt", Level::error, "more than the 512 tokens"},
      {"probably too long", caption(long_text.substr(0, 2200) + " [SCENE-2] b [SCENE-3] c"),
       "set-2/caption.txt", Level::warning, "probably more than the 512 tokens"},
      {"copied caption", folders_then([](auto& r) {
         fs::copy_file(r / "set-1/caption.txt", r / "set-2/caption.txt",
                       fs::copy_options::overwrite_existing);
       }),
       "set-2/caption.txt", Level::warning, "same caption as set 'set-1'"},
      {"another trigger", caption("[SAND] x [SCENE-1] a [SCENE-2] b [SCENE-3] c"),
       "set-2/caption.txt", Level::warning, "begins with [SAND], but most begin with [FILM]"},
      {"no trigger", caption("x [SCENE-1] a [SCENE-2] b [SCENE-3] c"), "set-2/caption.txt",
       Level::warning, "does not begin with [FILM]"},
      {"another trigger within the overall text",
       caption_json(R"({"overall":"[SAND] x","panels":["a","b","c"]})"), "set-2/caption.json",
       Level::warning, "begins with [SAND], but most begin with [FILM]"},
      {"two triggers, equally many", folders_then([](auto& r) {
         for (const char* set : {"set-3", "set-4"}) {
           put_text(r / set / "caption.txt",
                    std::string("[SAND] ") + set + " [SCENE-1] a [SCENE-2] b [SCENE-3] c");
         }
       }),
       "set-4/caption.txt", Level::warning, "begins with [SAND], but others begin with [FILM]"},
      {"dialect of other panels",
       caption_json(R"({"overall":"[FILM] x","panels":["a","b","c"],"dialect":"corners"})"),
       "set-2/caption.json", Level::warning, "has markers for 4 panels, but there are 3"},
      {"broken JSON", caption_json("{\"overall\": \"x\","), "set-2/caption.json", Level::error,
       "not valid JSON"},
      {"JSON of another kind", caption_json("[1]"), "set-2/caption.json", Level::error,
       "not a JSON object"},
      {"parts that are no texts", caption_json(R"({"overall":"x","panels":["a",2,"c"]})"),
       "set-2/caption.json", Level::error, "list of texts, but there is 2"},
      {"misspelled key", caption_json(R"({"overal":"x","panels":["a","b","c"]})"),
       "set-2/caption.json", Level::error, "no key 'overal'"},
      {"JSON with too few parts", caption_json(R"({"overall":"x","panels":["a","b"]})"),
       "set-2/caption.json", Level::error, "describes 2 panels, but there are 3"},
      {"marker inside a part", caption_json(R"({"overall":"x","panels":["a [SCENE-2]","b","c"]})"),
       "set-2/caption.json", Level::error, "holds the marker [SCENE-2]"},
      {"bad centre",
       caption_json(R"({"overall":"x","panels":["a","b","c"],"centres":[[2,0],null,null]})"),
       "set-2/caption.json", Level::error, "a centre must be [x, y]"},
      {"unknown dialect",
       caption_json(R"({"overall":"x","panels":["a","b","c"],"dialect":"verse"})"),
       "set-2/caption.json", Level::error, "dialect 'verse' is not known"},
  };
}

std::vector<Seed> copies() {
  return {
      {"panel twice in a set", folders_then([](auto& r) {
         fs::copy_file(r / "set-2/1.png", r / "set-2/3.png", fs::copy_options::overwrite_existing);
       }),
       "set-2/3.png", Level::error, "the same picture as panel 1"},
      {"panel twice, saved anew", folders_then([](auto& r) {
         image::write_png(r / "set-2/3.png", image::read_image(r / "set-2/1.png"),
                          {{"Comment", "x"}});
       }),
       "set-2/3.png", Level::error, "the same picture as panel 1"},
      {"panel nearly twice", folders_then([](auto& r) {
         image::write_png(r / "set-2/3.png",
                          image::resize(image::read_image(r / "set-2/1.png"), 150, 100));
       }),
       "set-2/3.png", Level::warning, "nearly the same picture as panel 1"},
      {"panel nearly twice, half as large", folders_then([](auto& r) {
         image::Image picture = image::read_image(r / "set-2/1.png");
         const Random random(7, Stream::augmentation);
         for (size_t i = 0; i < picture.rgb.size(); ++i) {
           const double value = picture.rgb[i] + 12 * random.normal(i);
           picture.rgb[i] = static_cast<uint8_t>(std::clamp(value, 0.0, 255.0));
         }
         image::write_png(r / "set-2/1.png", picture);
         image::write_png(r / "set-2/3.png", image::resize(picture, 48, 32));
       }),
       "set-2/3.png", Level::warning, "nearly the same picture as panel 1"},
      {"set copied", folders_then([](auto& r) {
         fs::copy(r / "set-2", r / "set-5");
         put_text(r / "set-5/caption.txt", "[FILM] y [SCENE-1] a [SCENE-2] b [SCENE-3] c");
       }),
       "set-5", Level::error, "the same pictures as set 'set-2'"},
      {"set nearly copied", folders_then([](auto& r) {
         fs::create_directory(r / "set-5");
         for (const char* name : {"1.png", "2.png", "3.png"}) {
           // Brighter, a little cropped, smaller.
           image::Image picture = image::read_image(r / "set-2" / name);
           for (uint8_t& value : picture.rgb)
             value = static_cast<uint8_t>(std::min(255, value + 9));
           picture = image::resize(image::crop(picture, 1, 0, 95, 64), 81, 54);
           image::write_png(r / "set-5" / name, picture);
         }
         put_text(r / "set-5/caption.txt", "[FILM] y [SCENE-1] a [SCENE-2] b [SCENE-3] c");
       }),
       "set-5", Level::warning, "nearly the same pictures as set 'set-2'"},
      {"picture in two sets", folders_then([](auto& r) {
         fs::copy_file(r / "set-1/1.png", r / "set-3/2.png", fs::copy_options::overwrite_existing);
       }),
       "set-3/2.png", Level::warning, "the same picture as panel 1 of set 'set-1'"},
      {"canvas copied", canvases_then([](auto& r) {
         fs::copy_file(r / "shot-1.png", r / "shot-9.png");
         put_text(r / "shot-9.txt", "[FILM] y [SCENE-1] a [SCENE-2] b [SCENE-3] c");
       }),
       "shot-9.png", Level::error, "the same pictures as set 'shot-1'"},
  };
}

std::vector<Seed> forms() {
  return {
      {"no data set", [](const fs::path&) {}, "", Level::error, "There is no set here"},
      {"empty set folder", folders_then([](auto& r) { fs::create_directory(r / "set-9"); }),
       "set-9", Level::error, "no pictures named 1, 2"},
      {"folder in a set", folders_then([](auto& r) { fs::create_directory(r / "set-2/old"); }),
       "set-2/old", Level::warning, "inside a set is not read"},
      {"link out of the data set", folders_then([](auto& r) {
         fs::remove(r / "set-2/2.png");
         fs::create_symlink(ICLORA_FIXTURES "/pictures/rgb.png", r / "set-2/2.png");
       }),
       "set-2/2.png", Level::error, "leads out of the data set"},
      {"broken link",
       folders_then([](auto& r) { fs::create_symlink("nowhere.png", r / "set-2/4.png"); }),
       "set-2/4.png", Level::error, "leads nowhere"},
      {"grid with other panels", folders_then([](auto&) {}), "set-2", Level::error,
       "The grid 2x2 has 4 panels, but the set has 3", with_grid(2, 2)},
      {"dialect with other panels", folders_then([](auto&) {}), "set-2", Level::error,
       "has markers for 2 panels", with_dialect(captions::Dialect::sides)},
      {"canvas without caption", canvases_then([](auto& r) { fs::remove(r / "shot-2.txt"); }),
       "shot-2.png", Level::error, "has no caption"},
      {"canvas without markers",
       canvases_then([](auto& r) { put_text(r / "shot-2.txt", "[FILM] x"); }), "shot-2.txt",
       Level::warning, "taken for a single panel"},
      {"caption without canvas", canvases_then([](auto& r) { fs::remove(r / "shot-2.png"); }),
       "shot-2.txt", Level::error, "no picture of its name"},
      {"lone text", canvases_then([](auto& r) { put_text(r / "notes.txt", "to do"); }), "notes.txt",
       Level::warning, "not used"},
      {"two canvases of a name", canvases_then([](auto& r) {
         fs::copy_file(ICLORA_FIXTURES "/pictures/rgb.png", r / "shot-2.webp");
       }),
       "shot-2.webp", Level::error, "name stands twice"},
      {"canvas markers against the grid", canvases_then([](auto&) {}), "shot-2.txt", Level::error,
       "describes 3 panels, but there are 2", with_grid(1, 2)},
      {"folder beside canvases",
       canvases_then([](auto& r) { put_photo(r / "more/a.png", 32, 32, 1); }), "more",
       Level::warning, "beside the canvases"},
      {"line that is no JSON",
       [](const fs::path& r) {
         std::vector<Json> lines = put_manifest(r);
         put_text(r / "sets.jsonl", lines[0].dump() + "\n{oops\n");
       },
       "sets.jsonl", Level::error, "Line 2 is not valid JSON"},
      {"no id", manifest_then([](Json& l) { l.erase("id"); }), "sets.jsonl", Level::error,
       "Line 2: the id ''"},
      {"id twice", manifest_then([](Json& l) { l["id"] = "set-1"; }), "sets.jsonl", Level::error,
       "the id 'set-1' stands already in line 1"},
      {"id with a path", manifest_then([](Json& l) { l["id"] = "../x"; }), "sets.jsonl",
       Level::error, "the id '../x'"},
      {"absolute path", manifest_then([](Json& l) { l["panels"][0]["image"] = "/etc/passwd"; }),
       "sets.jsonl", Level::error, "Line 2, panel 1: the path '/etc/passwd' is absolute"},
      {"path upwards", manifest_then([](Json& l) { l["panels"][1]["image"] = "../a.png"; }),
       "sets.jsonl", Level::error, "has '..' in it"},
      {"missing picture", manifest_then([](Json& l) { l["panels"][1]["image"] = "p/none.png"; }),
       "p/none.png", Level::error, "cannot be read"},
      {"no panels", manifest_then([](Json& l) { l.erase("panels"); }), "sets.jsonl", Level::error,
       "'panels' must be a list"},
      {"manifest's grid", manifest_then([](Json& l) { l["grid"] = "3x1"; }), "sets.jsonl:2",
       Level::error, "The grid 3x1 has 3 panels, but the set has 2"},
      {"grid that is none", manifest_then([](Json& l) { l["grid"] = "2by1"; }), "sets.jsonl",
       Level::error, "The grid '2by1'"},
      {"grid against the stated one", manifest_then([](Json&) {}), "sets.jsonl", Level::warning,
       "says 1x2, but the grid is stated as 2x1", with_grid(2, 1)},
      {"mixed tasks", manifest_then([](Json& l) { l["task"] = "fonts"; }), "sets.jsonl:2",
       Level::error, "task is 'fonts', but most sets are of 'mugs'"},
      {"empty part in a manifest", manifest_then([](Json& l) { l["panels"][0]["caption"] = ""; }),
       "sets.jsonl", Level::warning, "Set 'set-2': The part of panel 1 is empty"},
      {"empty caption in a manifest", manifest_then([](Json& l) {
         l["overall"] = "";
         for (Json& panel : l["panels"]) panel["caption"] = "";
       }),
       "sets.jsonl", Level::error, "caption of set 'set-2' is empty"},
      {"misspelled key in a manifest", manifest_then([](Json& l) {
         l["panels"][0]["imge"] = "x";
         l["panels"][0].erase("image");
       }),
       "sets.jsonl", Level::error, "no key 'imge'"},
      {"boxes that overlap", manifest_then([](Json& l) {
         l.erase("grid");
         l["canvas"] = "128x64";
         l["boxes"] = {{0, 0, 80, 64}, {64, 0, 64, 64}};
       }),
       "sets.jsonl", Level::error, "overlap"},
  };
}

std::vector<Seed> all_seeds() {
  std::vector<Seed> seeds;
  for (const auto& list : {pictures(), captions_seeds(), copies(), forms()}) {
    seeds.insert(seeds.end(), list.begin(), list.end());
  }
  return seeds;
}

class SeededFault : public testing::TestWithParam<Seed> {};

TEST_P(SeededFault, IsFoundWithItsFileAndItsRemedy) {
  const ScratchFolder scratch;
  GetParam().make(scratch.path());
  const Report report = check(scratch.path(), {GetParam().data, {}});
  const Problem* found = find_problem(report.problems, GetParam().file, GetParam().what);
  ASSERT_TRUE(found) << all_lines(report.problems);
  EXPECT_EQ(found->level, GetParam().level) << line_of(*found);
  EXPECT_TRUE(found->remedy.ends_with(".")) << line_of(*found);
  EXPECT_TRUE(found->file.starts_with(scratch.path().native())) << line_of(*found);
  // One fault does not drag a crowd of others along.
  EXPECT_LE(report.problems.size(), 8U) << all_lines(report.problems);
  if (found->level == Level::error && GetParam().file.starts_with("set-2/caption.")) {
    EXPECT_FALSE(find_problem(report.problems, GetParam().file, "has no markers"));
  }
}

std::string test_name(const testing::TestParamInfo<Seed>& seed) {
  std::string name = seed.param.name;
  for (char& c : name) {
    if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
  }
  return name;
}

INSTANTIATE_TEST_SUITE_P(All, SeededFault, testing::ValuesIn(all_seeds()), test_name);

TEST(Check, TheTableHasMoreThanFortySeeds) {
  EXPECT_GE(all_seeds().size(), 80U);
}

TEST(Check, FindsNothingInGoodDataSetsOfAnyForm) {
  for (const auto& make : std::vector<std::function<void(const fs::path&)>>{
           put_folders, put_canvases, [](auto& r) { put_manifest(r); }}) {
    const ScratchFolder scratch;
    make(scratch.path());
    const Report report = check(scratch.path(), {});
    EXPECT_EQ(all_lines(report.problems), "");
    EXPECT_EQ(report.sets, 4U);
    ASSERT_EQ(report.grids.size(), 1U);
    EXPECT_EQ(report.grids[0].second, 4U);
  }
}

TEST(Check, FindsAllFaultsOfADataSetAtOnce) {
  const ScratchFolder scratch;
  put_folders(scratch.path());
  put_text(scratch / "set-1/1.png", "junk");
  fs::remove(scratch / "set-2/caption.txt");
  put_text(scratch / "set-3/caption.txt", "[FILM] x [SCENE-1] a [SCENE-3] b");
  put_photo(scratch / "set-4/2.png", 36, 24, 9);
  const Report report = check(scratch.path(), {});
  EXPECT_TRUE(find_problem(report.problems, "set-1/1.png", "not a picture"));
  EXPECT_TRUE(find_problem(report.problems, "set-2", "no caption"));
  EXPECT_TRUE(find_problem(report.problems, "set-3/caption.txt", "[SCENE-2] is missing"));
  EXPECT_TRUE(find_problem(report.problems, "set-4/2.png", "too small"));
  const Json json = report_to_json(report);
  EXPECT_EQ(json["sets"], 4);
  EXPECT_EQ(json["problems"].size(), report.problems.size());
  EXPECT_EQ(json["grids"][0]["grid"], "3x1");
}

TEST(Check, MeasuresCaptionsWithTheModelsTokenizer) {
  const ScratchFolder scratch;
  put_folders(scratch.path());
  CheckOptions options;
  options.tokens = token_limit_of_model(ICLORA_FIXTURES "/models/toy-dev");
  ASSERT_TRUE(options.tokens.count);
  const int64_t tokens = options.tokens.count(kCaptions[0]);
  EXPECT_GT(tokens, 10);
  options.tokens.limit = tokens;
  EXPECT_FALSE(
      find_problem(check(scratch.path(), options).problems, "set-1/caption.txt", "tokens"));
  options.tokens.limit = tokens - 1;
  const Report report = check(scratch.path(), options);
  EXPECT_TRUE(
      find_problem(report.problems, "set-1/caption.txt",
                   fmt::format("has {} tokens, but the text encoder reads {}", tokens, tokens - 1)))
      << all_lines(report.problems);
}

}  // namespace
}  // namespace iclora::dataset
