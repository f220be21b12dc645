// iclora generate --from: the same picture again, wherever its files stand now, or a refusal.

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "cli/program.h"
#include "core/hash.h"
#include "core/json.h"
#include "image/png_chunks.h"
#include "weights/safetensors_writer.h"

namespace iclora {
namespace {

namespace fs = std::filesystem;
using testing_support::expect_refused;
using testing_support::ProgramRun;
using testing_support::run_program;
using testing_support::ScratchFolder;
using testing_support::text_of_file;

void write_lora(const fs::path& path, float value) {
  weights::SafetensorsWriter writer(
      path,
      {{"transformer.transformer_blocks.0.attn.to_q.lora_A.weight", weights::Dtype::f32, {2, 32}},
       {"transformer.transformer_blocks.0.attn.to_q.lora_B.weight", weights::Dtype::f32, {32, 2}}},
      {{"format", "pt"}});
  const std::vector<float> values(128, value);
  writer.append(std::as_bytes(std::span(values)));
  writer.commit();
}

void write_noise(const fs::path& path, float value) {
  weights::SafetensorsWriter writer(path, {{"noise", weights::Dtype::f32, {1, 16, 4, 4}}});
  const std::vector<float> values(256, value);
  writer.append(std::as_bytes(std::span(values)));
  writer.commit();
}

/// Another value for the first weight of a safetensors file.
void change_first_weight(const fs::path& path) {
  std::string bytes = text_of_file(path);
  uint64_t header = 0;
  std::memcpy(&header, bytes.data(), sizeof(header));
  bytes.at(sizeof(header) + header) ^= 1;
  std::ofstream(path, std::ios::binary) << bytes;
}

/// A folder with a model, an adapter, a noise file, and a picture made of them.
class From : public testing::Test {
 protected:
  From() {
    fs::create_directories(home());
    fs::copy(ICLORA_FIXTURES "/models/toy-dev", home() / "model", fs::copy_options::recursive);
    write_lora(home() / "l.safetensors", 0.1F);
    write_noise(home() / "n.safetensors", 0.5F);
  }
  fs::path home() const { return scratch_ / "project"; }
  ProgramRun draw(const std::vector<std::string>& more = {}) {
    std::vector<std::string> line = {"generate",
                                     "--model",
                                     (home() / "model").native(),
                                     "--lora",
                                     (home() / "l.safetensors").native(),
                                     "--noise",
                                     (home() / "n.safetensors").native(),
                                     "--prompt",
                                     "a fox",
                                     "--panel",
                                     "32x32",
                                     "--steps",
                                     "2",
                                     "--out",
                                     picture().native()};
    line.insert(line.end(), more.begin(), more.end());
    return run_program(line);
  }
  fs::path picture() const { return home() / "out" / "p.png"; }
  ProgramRun again(const std::vector<std::string>& more = {}) {
    std::vector<std::string> line = {"generate", "--from", picture().native(), "--out",
                                     (scratch_ / "again.png").native()};
    line.insert(line.end(), more.begin(), more.end());
    return run_program(line);
  }
  bool drawn_again() const { return fs::exists(scratch_ / "again.png"); }
  ScratchFolder scratch_;
};

TEST_F(From, RefusesAnAdapterThatIsAnotherNow) {
  ASSERT_EQ(draw().exit_code, 0);
  ASSERT_EQ(again().exit_code, 0);
  EXPECT_EQ(text_of_file(scratch_ / "again.png"), text_of_file(picture()));
  fs::remove(scratch_ / "again.png");
  write_lora(home() / "l.safetensors", 0.2F);
  expect_refused(again(), 2, "--lora");
  EXPECT_FALSE(drawn_again());
  EXPECT_EQ(again({"--lora", (home() / "l.safetensors").native()}).exit_code, 0);
}

TEST_F(From, RefusesNoiseThatIsAnotherNow) {
  ASSERT_EQ(draw().exit_code, 0);
  write_noise(home() / "n.safetensors", 0.25F);
  expect_refused(again(), 2, "--noise");
  EXPECT_FALSE(drawn_again());
  EXPECT_EQ(again({"--noise", (home() / "n.safetensors").native()}).exit_code, 0);
}

TEST_F(From, RefusesAModelThatIsAnotherNow) {
  ASSERT_EQ(draw().exit_code, 0);
  change_first_weight(home() / "model/vae/diffusion_pytorch_model.safetensors");
  expect_refused(again(), 2, "--model");
  EXPECT_FALSE(drawn_again());
}

TEST_F(From, FindsItsFilesWhereTheWholeProjectWentTo) {
  // As one types it in the project's folder.
  const fs::path before = fs::current_path();
  fs::current_path(home());
  const ProgramRun run = run_program({"generate", "--model", "./model", "--lora", "l.safetensors",
                                      "--noise", "n.safetensors", "--prompt", "a fox", "--panel",
                                      "32x32", "--steps", "2", "--out", "out/p.png"});
  fs::current_path(before);
  ASSERT_EQ(run.exit_code, 0) << run.err;
  const std::string picture = text_of_file(home() / "out/p.png");
  fs::rename(home(), scratch_ / "elsewhere");
  const ProgramRun moved =
      run_program({"generate", "--from", (scratch_ / "elsewhere/out/p.png").native(), "--out",
                   (scratch_ / "again.png").native(), "--save-latents",
                   (scratch_ / "latents.safetensors").native()});
  ASSERT_EQ(moved.exit_code, 0) << moved.err;
  EXPECT_TRUE(drawn_again());
  EXPECT_FALSE(picture.empty());
}

TEST_F(From, AQuietRunStillSaysTheSeedThatItDrew) {
  const ProgramRun run = draw({"--quiet"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_TRUE(run.err.starts_with("seed ")) << run.err;
  const ProgramRun named = draw({"--quiet", "--seed", "4"});
  EXPECT_EQ(named.err, "");
}

TEST_F(From, TheTextForGalleriesNamesAdaptersByStrengthAndHash) {
  const std::string lora = (home() / "l.safetensors").native();
  ASSERT_EQ(draw({"--lora", lora + ":-0.5", "--cfg", "2", "--negative-prompt", "grey"}).exit_code,
            0);
  const std::string text = image::read_texts(picture()).at("parameters");
  EXPECT_TRUE(text.starts_with("a fox <lora:l:1> <lora:l:-0.5>\nNegative prompt: grey\nSteps: 2,"))
      << text;
  const std::string hash = sha256_of_file(lora).substr(0, 10);
  EXPECT_NE(text.find("Lora hashes: \"l: " + hash + ", l: " + hash + "\""), std::string::npos)
      << text;
}

TEST_F(From, EveryTensorThatFitsNothingIsNamed) {
  weights::SafetensorsWriter writer(
      home() / "odd.safetensors",
      {{"transformer.transformer_blocks.0.attn.to_q.lora_A.weight", weights::Dtype::f32, {2, 32}},
       {"transformer.transformer_blocks.0.attn.to_q.lora_B.weight", weights::Dtype::f32, {32, 2}},
       {"transformer.transformer_blocks.9.attn.to_q.lora_A.weight", weights::Dtype::f32, {2, 32}},
       {"transformer.transformer_blocks.9.attn.to_q.lora_B.weight", weights::Dtype::f32, {32, 2}}},
      {{"format", "pt"}});
  const std::vector<float> values(256, 0.1F);
  writer.append(std::as_bytes(std::span(values)));
  writer.commit();
  const std::string odd = (home() / "odd.safetensors").native();
  const ProgramRun refused = draw({"--lora", odd});
  EXPECT_EQ(refused.exit_code, 2);
  const ProgramRun allowed = draw({"--lora", odd, "--allow-unmatched"});
  EXPECT_EQ(allowed.exit_code, 0) << allowed.err;
  for (const std::string half : {"lora_A", "lora_B"}) {
    const std::string key = "transformer_blocks.9.attn.to_q." + half;
    EXPECT_NE(refused.err.find(key), std::string::npos) << refused.err;
    EXPECT_NE(allowed.err.find(key), std::string::npos) << allowed.err;
  }
}

}  // namespace
}  // namespace iclora
