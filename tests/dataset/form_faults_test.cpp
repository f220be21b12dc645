// Folders, canvases and manifests that are not laid out as they should be.

#include "seeded_fault.h"

namespace iclora::dataset {
namespace {

std::function<void(const fs::path&)> manifest_then(const std::function<void(Json&)>& change) {
  return [change](const fs::path& root) {
    std::vector<Json> lines = put_manifest(root);
    change(lines[1]);
    put_manifest(root, lines);
  };
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

INSTANTIATE_TEST_SUITE_P(Forms, SeededFault, testing::ValuesIn(forms()), test_name);

}  // namespace
}  // namespace iclora::dataset
