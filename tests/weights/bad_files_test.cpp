#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include "core/error.h"
#include "core/file.h"
#include "raw_safetensors.h"
#include "refusal.h"
#include "scratch.h"
#include "weights/checkpoint.h"
#include "weights/safetensors.h"

namespace iclora::weights {
namespace {

using testing::HasSubstr;
using testing_support::entry;
using testing_support::raw_safetensors;
using testing_support::refusal_of;
using testing_support::ScratchFolder;

std::string message_of(const std::string& bytes) {
  const ScratchFolder scratch;
  write_file(scratch / "x.safetensors", bytes);
  std::string message = refusal_of([&] { SafetensorsFile::open(scratch / "x.safetensors"); });
  EXPECT_THAT(message, testing::AnyOf("accepted", HasSubstr("x.safetensors")));
  return message;
}

struct BadFile {
  const char* why;
  std::string bytes;
  const char* message;
};

std::string one(const std::string& fields, size_t data = 8) {
  return raw_safetensors("{" + fields + "}", data);
}

std::vector<BadFile> bad_files() {
  const std::string good = entry("a", "F32", "[2]", "[0,8]");
  const std::string length_only(8, '\xff');
  return {
      {"empty", "", "too few"},
      {"7 bytes", "1234567", "too few"},
      {"only a length of 0", std::string(8, '\0'), "too few"},
      {"a length of 2^64 - 1", length_only, "claims"},
      {"a length above 100 MB", std::string("\x01\xe1\xf5\x05\0\0\0\0", 8) + "{}", "at most"},
      {"a length beyond the file", std::string("\x10\0\0\0\0\0\0\0{}", 10), "truncated"},
      {"no JSON", raw_safetensors("hello", 0), "start with"},
      {"space before the brace", raw_safetensors(" {}", 0), "start with"},
      {"a list", raw_safetensors("[]", 0), "start with"},
      {"cut JSON", raw_safetensors("{\"a\":", 0), "not valid JSON"},
      {"text after JSON", raw_safetensors("{}x", 0), "not valid JSON"},
      {"two objects", raw_safetensors("{}{}", 0), "not valid JSON"},
      {"bad UTF-8", raw_safetensors("{\"\xff\":1}", 0), "not valid JSON"},
      {"zero byte after JSON", raw_safetensors(std::string("{}\0", 3), 0), "not valid JSON"},
      {"a comment", raw_safetensors("{/* */}", 0), "not valid JSON"},
      {"tensor is a number", one("\"a\":1"), "must be an object"},
      {"tensor is a text", one("\"a\":\"x\""), "must be an object"},
      {"tensor is a list", one("\"a\":[1]"), "must be an object"},
      {"tensor is null", one("\"a\":null"), "must be an object"},
      {"no dtype", one(R"("a":{"shape":[2],"data_offsets":[0,8]})"), "needs 'dtype'"},
      {"no shape", one(R"("a":{"dtype":"F32","data_offsets":[0,8]})"), "needs 'dtype'"},
      {"no offsets", one(R"("a":{"dtype":"F32","shape":[2]})"), "needs 'dtype'"},
      {"empty tensor", one("\"a\":{}"), "needs 'dtype'"},
      {"unknown field", one(R"("a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":1})"),
       "unknown field"},
      {"dtype twice", one(R"("a":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]})"),
       "twice"},
      {"offsets twice",
       one(R"("a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"data_offsets":[0,8]})"),
       "twice"},
      {"unknown dtype", one(entry("a", "F31", "[2]", "[0,8]")), "not supported"},
      {"sub-byte dtype", one(entry("a", "F4", "[16]", "[0,8]")), "not supported"},
      {"lower-case dtype", one(entry("a", "f32", "[2]", "[0,8]")), "not supported"},
      {"dtype a number", one(R"("a":{"dtype":32,"shape":[2],"data_offsets":[0,8]})"),
       "must be a text"},
      {"shape a number", one(R"("a":{"dtype":"F32","shape":2,"data_offsets":[0,8]})"),
       "list of whole"},
      {"shape negative", one(entry("a", "F32", "[-2]", "[0,8]")), "negative"},
      {"shape a fraction", one(entry("a", "F32", "[2.0]", "[0,8]")), "fraction"},
      {"shape 2^64", one(entry("a", "F32", "[18446744073709551616]", "[0,8]")), "fraction"},
      {"shape 2^63", one(entry("a", "F32", "[9223372036854775808]", "[0,8]")), "2^63"},
      {"shape a text", one(entry("a", "F32", "[\"2\"]", "[0,8]")), "a text"},
      {"shape nested", one(entry("a", "F32", "[[2]]", "[0,8]")), "a list"},
      {"shape of 2^32 x 2^32", one(entry("a", "F32", "[4294967296,4294967296]", "[0,8]")),
       "larger than any file"},
      {"shape whose product wraps to 8",
       one(entry("a", "U8", "[4294967296,4294967296,8]", "[0,8]")), "larger than any file"},
      {"17 axes", one(entry("a", "F32", "[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,2]", "[0,8]")), "axes"},
      {"one offset", one(entry("a", "F32", "[2]", "[0]")), "two 'data_offsets'"},
      {"three offsets", one(entry("a", "F32", "[2]", "[0,8,8]")), "two 'data_offsets'"},
      {"negative offset", one(entry("a", "F32", "[2]", "[-8,0]")), "negative"},
      {"reversed offsets", one(entry("a", "F32", "[2]", "[8,0]")), "before it begins"},
      {"offsets too short for the shape", one(entry("a", "F32", "[3]", "[0,8]")), "needs 12 bytes"},
      {"offsets too long for the shape", one(entry("a", "F32", "[1]", "[0,8]")), "needs 4 bytes"},
      {"offsets beyond the file", one(entry("a", "F32", "[4]", "[0,16]")), "truncated or damaged"},
      {"offsets near 2^64",
       one(entry("a", "U8", "[8]", "[18446744073709551608,18446744073709551615]")),
       "truncated or damaged"},
      {"not from 0", one(entry("a", "F32", "[1]", "[4,8]")), "hole"},
      {"a hole",
       one(entry("a", "F32", "[1]", "[0,4]") + "," + entry("b", "F32", "[1]", "[8,12]"), 12),
       "hole"},
      {"overlap",
       one(entry("a", "F32", "[2]", "[0,8]") + "," + entry("b", "F32", "[2]", "[4,12]"), 12),
       "overlaps"},
      {"two empty tensors at one place",
       one(good + "," + entry("b", "F32", "[0]", "[8,8]") + "," +
           entry("c", "F32", "[0]", "[8,8]")),
       "same byte"},
      {"the same name and bytes", one(good + "," + good), "stands twice"},
      {"the same bytes twice", one(good + "," + entry("b", "F32", "[2]", "[0,8]")), "overlaps"},
      {"an empty tensor inside another", one(good + "," + entry("b", "F32", "[0]", "[4,4]")),
       "overlaps"},
      {"bytes after the last tensor", one(good, 9), "follow the last tensor"},
      {"no tensors but bytes", raw_safetensors("{}", 8), "follow the last tensor"},
      {"name twice", one(good + "," + entry("a", "F32", "[1]", "[8,12]"), 12), "stands twice"},
      {"name twice, empty tensors", one(good + "," + entry("a", "F32", "[0]", "[8,8]")),
       "stands twice"},
      {"metadata twice", one(R"("__metadata__":{},"__metadata__":{},)" + good), "twice"},
      {"metadata key twice", one(R"("__metadata__":{"k":"1","k":"2"},)" + good), "twice"},
      {"metadata with a number", one(R"("__metadata__":{"k":1},)" + good), "texts only"},
      {"metadata nested", one(R"("__metadata__":{"k":{"x":"y"}},)" + good), "texts only"},
      {"metadata a text", one(R"("__metadata__":"x",)" + good), "texts only"},
      {"metadata null", one(R"("__metadata__":null,)" + good), "texts only"},
  };
}

TEST(BadSafetensors, EachRuleHasItsOwnSentence) {
  const auto cases = bad_files();
  EXPECT_GE(cases.size(), 60U);
  for (const BadFile& bad : cases) {
    EXPECT_THAT(message_of(bad.bytes), HasSubstr(bad.message)) << bad.why;
  }
}

TEST(BadSafetensors, AFileCutAnywhereIsRefused) {
  const std::string whole =
      one(entry("a", "F32", "[2]", "[0,8]") + "," + entry("b", "BF16", "[3,2]", "[8,20]") +
              R"(,"__metadata__":{"format":"pt"})",
          20);
  EXPECT_EQ(message_of(whole), "accepted");
  for (size_t length = 0; length < whole.size(); ++length) {
    EXPECT_NE(message_of(whole.substr(0, length)), "accepted") << length;
  }
}

// 40 MB of header that break a rule only at the very end.
TEST(BadSafetensors, AHugeHeaderCostsBoundedMemory) {
  std::string header = "{\"__metadata__\":{\"k\":\"" + std::string(40 << 20, 'x') + "\"},\"a\":7}";
  const auto resident = [] {
    struct rusage usage {};
    ::getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
  };
  const ScratchFolder scratch;
  write_file(scratch / "x.safetensors", raw_safetensors(header, 0));
  const long before = resident();
  EXPECT_THROW(SafetensorsFile::open(scratch / "x.safetensors"), Error);
  // The mapped header, the parser's copy of one text and ours: three times 40 MB at most.
  long most = 3L * 45 * 1024;
#if defined(__SANITIZE_ADDRESS__)
  most += 256L * 1024;  // what is freed stays in quarantine
#endif
  EXPECT_LT(resident() - before, most);
}

TEST(BadSafetensors, AFileThatIsCutWhileItIsOpenIsNoticed) {
  const ScratchFolder scratch;
  write_file(scratch / "x.safetensors", one(entry("a", "U8", "[100000]", "[0,100000]"), 100000));
  const auto file = SafetensorsFile::open(scratch / "x.safetensors");
  std::filesystem::resize_file(scratch / "x.safetensors", 500);
  EXPECT_THROW(file->bytes(file->entries()[0]), Error);
}

TEST(BadCheckpoint, IndexAndShardsMustAgree) {
  const ScratchFolder scratch;
  const auto message = [&](const std::string& index) -> std::string {
    write_file(scratch / "model.safetensors.index.json", index);
    return refusal_of([&] { Checkpoint::open(scratch.path()); });
  };
  write_file(scratch / "s1.safetensors", one(entry("a", "F32", "[2]", "[0,8]")));
  write_file(scratch / "s2.safetensors", one(entry("b", "F32", "[2]", "[0,8]")));
  EXPECT_EQ(message(R"({"weight_map":{"a":"s1.safetensors","b":"s2.safetensors"}})"), "accepted");
  EXPECT_THAT(message("{}"), HasSubstr("weight_map"));
  EXPECT_THAT(message("[]"), HasSubstr("weight_map"));
  EXPECT_THAT(message(R"({"weight_map":{}})"), HasSubstr("weight_map"));
  EXPECT_THAT(message(R"({"weight_map":{"a":5}})"), HasSubstr("plain name"));
  EXPECT_THAT(message(R"({"weight_map":{"a":"../s1.safetensors"}})"), HasSubstr("plain name"));
  EXPECT_THAT(message(R"({"weight_map":{"a":"/etc/passwd"}})"), HasSubstr("plain name"));
  EXPECT_THAT(message(R"({"weight_map":{"a":"s1.bin"}})"), HasSubstr("plain name"));
  EXPECT_THAT(message(R"({"weight_map":{"a":"s3.safetensors"}})"), HasSubstr("not there"));
  EXPECT_THAT(message(R"({"weight_map":{"a":"s1.safetensors","c":"s1.safetensors"}})"),
              HasSubstr("tensor 'c'"));
  EXPECT_THAT(message(R"({"weight_map":{"a":"s2.safetensors","b":"s2.safetensors"}})"),
              HasSubstr("tensor 'a'"));
  EXPECT_THAT(message(R"({"weight_map":{"b":"s1.safetensors","a":"s2.safetensors"}})"),
              HasSubstr("stands in"));
  EXPECT_THAT(message(R"({"weight_map":{"a":"s1.safetensors","a":"s1.safetensors"}})"),
              HasSubstr("twice"));
  write_file(scratch / "s3.safetensors", one(entry("a", "F32", "[2]", "[0,8]")));
  EXPECT_THAT(message(R"({"weight_map":{"a":"s1.safetensors","b":"s3.safetensors"}})"),
              HasSubstr("two files"));
  write_file(scratch / "s4.safetensors",
             one(entry("c", "F32", "[1]", "[0,4]") + "," + entry("d", "F32", "[1]", "[4,8]")));
  EXPECT_THAT(message(R"({"weight_map":{"c":"s4.safetensors"}})"), HasSubstr("does not name"));
}

TEST(BadCheckpoint, FoldersWithoutAChoiceAreNamed) {
  const ScratchFolder scratch;
  const auto message = [&]() -> std::string {
    return refusal_of([&] { Checkpoint::open(scratch.path()); });
  };
  EXPECT_THAT(message(), HasSubstr("no .safetensors"));
  write_file(scratch / "pytorch_model.bin", "x");
  EXPECT_THAT(message(), HasSubstr("convert"));
  write_file(scratch / "x.safetensors", one(entry("a", "F32", "[2]", "[0,8]")));
  EXPECT_EQ(message(), "accepted");
  write_file(scratch / "y.safetensors", one(entry("a", "F32", "[2]", "[0,8]")));
  EXPECT_THAT(message(), HasSubstr("several"));
  write_file(scratch / "model.safetensors", one(entry("a", "F32", "[2]", "[0,8]")));
  EXPECT_EQ(message(), "accepted");
}

}  // namespace
}  // namespace iclora::weights
