// Captions whose ends are lost, in every form of `eval` that draws sets or captions.

#include "eval/long_captions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>

#include "drawn_sets.h"
#include "eval/compare.h"
#include "eval/evaluate.h"
#include "heard_warnings.h"
#include "scratch.h"
#include "weights/safetensors_writer.h"

namespace iclora::eval {
namespace {

using sampling::Method;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing_support::HeardWarnings;
using testing_support::ScratchFolder;
using testing_support::write_pairs;

const std::string kModel = ICLORA_FIXTURES "/models/toy-dev";

std::string words(int count) {
  std::string out;
  for (int i = 0; i < count; ++i) out += " red";
  return out;
}

CompareRequest small_request(const std::filesystem::path& sets) {
  CompareRequest request;
  request.model = kModel;
  request.sets = sets;
  request.panel = sampling::Size{32, 32};
  request.steps = 1;
  request.dtype = "fp32";
  return request;
}

TEST(LongCaptions, NamesTheFirstAndWhatTheyLose) {
  const sampling::OpenModel model = sampling::open_model(kModel, {});
  const captions::CountTokens count = sampling::token_counter(model);
  LongCaptions captions(model, 20);
  captions.add("short", "a cat", 1, Method::canvas);
  EXPECT_EQ(captions.warning("c.jsonl", "--text-length"), "");

  const std::string pair = "two [LEFT] a" + words(20) + " [RIGHT] b";
  captions.add("pair", pair, 2, Method::canvas);
  EXPECT_EQ(captions.warning("c.jsonl", "--text-length"),
            fmt::format("'c.jsonl': 1 of 2 captions is not read to the end: that of 'pair' has {} "
                        "tokens, but 20 are read: the part of panel 1 is cut short and that of "
                        "panel 2 is lost; shorten it, or give --text-length {}.",
                        count(pair), count(pair)));

  // Each panel reads its own under gdt, and of all that read one set the longest counts.
  captions.add("apart", "two [LEFT] a [RIGHT] b", 2, Method::gdt);
  captions.add("apart", "two [LEFT] a [RIGHT] b" + words(30), 2, Method::gdt);
  captions.add("apart", "two [LEFT] a [RIGHT] b" + words(25), 2, Method::gdt);
  for (const char* id : {"b", "a"}) captions.add(id, id + words(40), 1, Method::canvas);
  const std::string all = captions.warning("c.jsonl", "draw.text_length");
  EXPECT_THAT(all, HasSubstr("4 of 5 captions are not read to the end: that of 'pair' has "));
  EXPECT_THAT(all, HasSubstr(fmt::format("; that of panel 2 of 'apart' has {} tokens, but 20 are "
                                         "read: its end is lost; that of 'b' has ",
                                         count("two b" + words(30)))));
  EXPECT_THAT(
      all, testing::EndsWith(fmt::format("; and 1 more; shorten them, or give draw.text_length {}.",
                                         count("b" + words(40)))));
}

TEST(LongCaptions, AreToldOnceOfAFileOfCaptions) {
  const ScratchFolder scratch;
  std::ofstream(scratch / "c.jsonl")
      << R"({"id": "one", "caption": "a cat)" << words(20)
      << R"(", "grid": "1x1", "panels": [{"subject": "cat"}]})"
      << "\n"
      << R"({"id": "two", "caption": "a cat", "grid": "1x1", "panels": [{"subject": "cat"}]})"
      << "\n";
  EvalRequest request;
  request.model = kModel;
  request.captions = scratch / "c.jsonl";
  request.classifier = ICLORA_FIXTURES "/eval/classifier.safetensors";
  request.panel = sampling::Size{32, 32};
  request.steps = 1;
  request.text_length = 16;
  request.dtype = "fp32";
  NoProgress progress;
  const HeardWarnings heard;
  evaluate(request, progress);
  EXPECT_THAT(heard.all(), ElementsAre(testing::AllOf(
                               HasSubstr("c.jsonl': 1 of 2 captions is not read to the end: that "
                                         "of 'one' has "),
                               HasSubstr("but 16 are read: its end is lost; shorten it, or give "
                                         "--text-length "))));
  request.text_length = 64;
  evaluate(request, progress);
  EXPECT_EQ(heard.all().size(), 1U);
}

TEST(LongCaptions, AreToldOnceOfAllSetsWhateverTheRows) {
  const ScratchFolder scratch;
  write_pairs(scratch.path(), 5);
  CompareRequest request = small_request(scratch.path());
  request.text_length = 12;
  request.loras = {{ICLORA_FIXTURES "/models/lora-a.safetensors", 1.0}};
  NoProgress progress;
  const HeardWarnings heard;
  compare(request, progress);
  EXPECT_THAT(
      heard.all(),
      ElementsAre(testing::AllOf(
          HasSubstr(scratch.path().native() + "': 5 of 5 captions are not read to the end"),
          HasSubstr("that of '001' has "), HasSubstr("the parts of panels 1 and 2 are lost"),
          HasSubstr("; and 2 more; shorten them, or give --text-length "))));
  // Real sets alone are not read from captions.
  request.model.clear();
  request.loras.clear();
  compare(request, progress);
  EXPECT_EQ(heard.all().size(), 1U);
}

// The trigger that an adapter was trained with stands in front of its row's captions alone.
TEST(LongCaptions, AreThoseThatAnAdapterReads) {
  const ScratchFolder scratch;
  write_pairs(scratch.path(), 1);
  CompareRequest request = small_request(scratch.path());
  request.grid = panels::Grid{1, 2};
  const sampling::OpenModel model = sampling::open_model(kModel, {});
  request.text_length =
      sampling::token_counter(model)("a pair <&> [LEFT] a cat at night [RIGHT] in a room");
  NoProgress progress;
  const HeardWarnings heard;
  compare(request, progress);
  EXPECT_THAT(heard.all(), IsEmpty());
  const auto plain = weights::Checkpoint::open(ICLORA_FIXTURES "/models/lora-a.safetensors");
  std::map<std::string, std::string> metadata = plain.metadata();
  metadata["iclora"] = R"({"version": 1, "trigger": "[A LONG TRIGGER]"})";
  std::vector<weights::TensorHead> heads;
  for (const auto& [name, tensor] : plain.tensors()) {
    heads.push_back({name, tensor.dtype, tensor.shape});
  }
  weights::SafetensorsWriter writer(scratch / "lora.safetensors", heads, metadata);
  for (const auto& [name, tensor] : plain.tensors()) writer.append(tensor.bytes);
  writer.commit();
  request.loras = {{(scratch / "lora.safetensors").native(), 1.0}};
  compare(request, progress);
  EXPECT_THAT(heard.all(), ElementsAre(HasSubstr("that of '001' has ")));
}

}  // namespace
}  // namespace iclora::eval
