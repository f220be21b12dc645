// Captions that are missing, cannot be read, or do not fit their panels.

#include "seeded_fault.h"

namespace iclora::dataset {
namespace {

std::function<void(const fs::path&)> caption(const std::string& text) {
  return folders_then([text](const fs::path& r) { put_text(r / "set-2/caption.txt", text); });
}

std::function<void(const fs::path&)> caption_json(const std::string& text) {
  return folders_then([text](const fs::path& r) {
    fs::remove(r / "set-2/caption.txt");
    put_text(r / "set-2/caption.json", text);
  });
}

std::vector<Seed> caption_faults() {
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

INSTANTIATE_TEST_SUITE_P(Captions, SeededFault, testing::ValuesIn(caption_faults()), test_name);

}  // namespace
}  // namespace iclora::dataset
