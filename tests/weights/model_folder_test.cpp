#include "weights/model_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "core/file.h"
#include "refusal.h"
#include "scratch.h"

namespace iclora::weights {
namespace {

using testing::HasSubstr;
using testing_support::refusal_of;
using testing_support::ScratchFolder;
namespace fs = std::filesystem;

const fs::path kToy = ICLORA_FIXTURES "/models/toy-dev";

TEST(ModelFolder, EveryMissingOrBrokenPartIsNamed) {
  for (const char* part : {"transformer", "text_encoder", "text_encoder_2", "tokenizer",
                           "tokenizer_2", "vae", "scheduler"}) {
    const ScratchFolder scratch;
    fs::copy(kToy, scratch / "m", fs::copy_options::recursive);
    fs::remove_all(scratch / "m" / part);
    EXPECT_THAT(refusal_of([&] { open_model_folder(scratch / "m"); }), HasSubstr(part));
  }
  for (const char* config :
       {"transformer/config.json", "text_encoder/config.json", "text_encoder_2/config.json",
        "vae/config.json", "scheduler/scheduler_config.json", "model_index.json"}) {
    const ScratchFolder scratch;
    fs::copy(kToy, scratch / "m", fs::copy_options::recursive);
    write_file(scratch / "m" / config, "{");
    EXPECT_THAT(refusal_of([&] { open_model_folder(scratch / "m"); }), HasSubstr(config));
    fs::remove(scratch / "m" / config);
    EXPECT_THAT(refusal_of([&] { open_model_folder(scratch / "m"); }),
                HasSubstr(fs::path(config).filename().native()));
  }
  EXPECT_THAT(refusal_of([&] { open_model_folder(kToy / "nothing"); }), HasSubstr("not a folder"));
}

TEST(ModelFolder, OtherPipelinesAndBadNativeSizesAreRefused) {
  const ScratchFolder scratch;
  fs::copy(kToy, scratch / "m", fs::copy_options::recursive);
  const auto with = [&](const char* file, const char* text) {
    write_file(scratch / "m" / file, text);
    return refusal_of([&] { open_model_folder(scratch / "m"); });
  };
  EXPECT_EQ(with("iclora.json", R"({"panel":"64x48"})"), "accepted");
  EXPECT_EQ(open_model_folder(scratch / "m").native_height, 48);
  EXPECT_THAT(with("iclora.json", R"({"panel":"64x50"})"), HasSubstr("multiples of 16"));
  EXPECT_THAT(with("iclora.json", R"({"panel":64})"), HasSubstr("multiples of 16"));
  EXPECT_THAT(with("iclora.json", "[]"), HasSubstr("object"));
  EXPECT_EQ(with("iclora.json", "{}"), "accepted");
  EXPECT_THAT(with("model_index.json", R"({"_class_name":"StableDiffusion3Pipeline"})"),
              HasSubstr("FluxPipeline"));
  for (const char* index : {"null", "[]", "1"}) {
    EXPECT_THAT(with("model_index.json", index), HasSubstr("must hold a JSON object")) << index;
  }
}

TEST(ModelFolder, ALinkThatLeadsNowhereIsNoMissingFile) {
  const ScratchFolder scratch;
  fs::copy(kToy, scratch / "m", fs::copy_options::recursive);
  for (const char* name : {"iclora.json", "model_index.json"}) {
    fs::remove(scratch / "m" / name);
    fs::create_symlink("nowhere", scratch / "m" / name);
    EXPECT_THAT(refusal_of([&] { open_model_folder(scratch / "m"); }),
                testing::AllOf(HasSubstr(name), HasSubstr("cannot be read")));
    fs::remove(scratch / "m" / name);
    fs::copy(kToy / "model_index.json", scratch / "m" / name);
  }
}

TEST(ResolveModel, FindsFoldersNamesAndTheHubsCache) {
  const ScratchFolder scratch;
  fs::create_directories(scratch / "models/small");
  EXPECT_EQ(resolve_model("small", {scratch / "models"}), scratch / "models/small");
  EXPECT_EQ(resolve_model(kToy.native(), {}), kToy);
  const std::string commit(40, 'a');
  const fs::path repository = scratch / "hub/models--org--flux";
  fs::create_directories(repository / "refs");
  fs::create_directories(repository / "snapshots" / commit);
  write_file(repository / "refs/main", commit + "\n");
  ::setenv("HF_HUB_CACHE", (scratch / "hub").c_str(), 1);
  EXPECT_EQ(resolve_model("org/flux", {}), repository / "snapshots" / commit);
  EXPECT_THAT(refusal_of([] { resolve_model("org/other", {}); }), HasSubstr("org/other"));
  write_file(repository / "refs/main", "../../../etc");
  EXPECT_THAT(refusal_of([] { resolve_model("org/flux", {}); }), HasSubstr("not found"));
  ::unsetenv("HF_HUB_CACHE");
  EXPECT_THAT(refusal_of([] { resolve_model("", {}); }), HasSubstr("--model"));
  EXPECT_THAT(refusal_of([&] { resolve_model("../x", {scratch / "models"}); }),
              HasSubstr("not found"));
}

}  // namespace
}  // namespace iclora::weights
