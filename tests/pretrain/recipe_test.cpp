#include "pretrain/recipe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "core/error.h"
#include "refusal.h"
#include "scratch.h"

namespace iclora::pretrain {
namespace {

using testing::HasSubstr;
using testing_support::refusal_of;

class RecipeFile : public testing::Test {
 protected:
  Recipe read(const std::string& transformer, const std::string& text = "") const {
    std::ofstream(scratch_ / "r.yaml")
        << "name: mini\ninit: sizes.yaml\npacks: drawn\n"
        << "vae: {held_out: h, phases: [{steps: 1, data: [a]}]}\n"
        << "text: {" << text << "held_out: h, phases: [{steps: 1, data: [a]}]}\n"
        << "transformer: " << transformer << "\n";
    return read_recipe(scratch_ / "r.yaml", std::nullopt);
  }
  std::string sentence(const std::string& transformer, const std::string& text = "") const {
    return refusal_of([&] { read(transformer, text); });
  }
  testing_support::ScratchFolder scratch_;
};

TEST_F(RecipeFile, ReadsPhasesAndPaths) {
  const Recipe recipe = read(
      "{held_out: h, beta2: 0.95, muon: true, phases: ["
      "{steps: 10, data: [a, {pack: b, weight: 3}], warmup: 4, learning_rate: 0.1},"
      "{steps: 20, data: [b], learning_rate: 0.1, end_learning_rate: 0.02}]}");
  EXPECT_EQ(recipe.init, scratch_ / "sizes.yaml");
  const StageRecipe& stage = recipe.transformer;
  EXPECT_EQ(stage.held_out, scratch_ / "drawn/h");
  EXPECT_EQ(stage.steps(), 30);
  EXPECT_TRUE(stage.muon);
  EXPECT_EQ(stage.phases[0].data[1].pack, scratch_ / "drawn/b");
  EXPECT_EQ(stage.phases[0].data[1].weight, 3);
  EXPECT_EQ(&stage.phase(9), stage.phases.data());
  EXPECT_EQ(&stage.phase(10), stage.phases.data() + 1);
  EXPECT_DOUBLE_EQ(stage.learning_rate(0), 0.025);
  EXPECT_DOUBLE_EQ(stage.learning_rate(3), 0.1);
  EXPECT_DOUBLE_EQ(stage.learning_rate(9), 0.1);
  EXPECT_DOUBLE_EQ(stage.learning_rate(20), 0.06);
  EXPECT_DOUBLE_EQ(stage.learning_rate(30), 0.02);
}

TEST_F(RecipeFile, BeginsWithAModelOrWithSizes) {
  const auto begun = [&](const std::string& with, const std::string& vae = "") {
    std::ofstream(scratch_ / "b.yaml")
        << "name: mini\n"
        << with << "\npacks: drawn\n"
        << "vae: {" << vae << "held_out: h, phases: [{steps: 1, data: [a], squares: 20}]}\n"
        << "text: {held_out: h, phases: [{steps: 1, data: [a]}]}\n"
        << "transformer: {held_out: h, phases: [{steps: 1, data: [a]}]}\n";
    return read_recipe(scratch_ / "b.yaml", std::nullopt);
  };
  EXPECT_EQ(begun("from: old").from, scratch_ / "old");
  EXPECT_EQ(begun("from: old").vae.phases[0].squares, 20);
  EXPECT_FALSE(begun("init: sizes.yaml").from);
  EXPECT_FALSE(begun("from: old").vae.decoder_only);
  EXPECT_TRUE(begun("from: old", "decoder_only: true, ").vae.decoder_only);
  for (const auto& [with, vae, why] :
       {std::tuple("init: sizes.yaml", "decoder_only: true, ", "that 'from' names"),
        {"from: old", "decoder_only: true, weight_decay: 0.1, ", "'weight_decay' would change"},
        {"from: old", "decoder_only: 1, ", "must be true or false"}}) {
    try {
      begun(with, vae);
      ADD_FAILURE() << with << ", " << vae;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::input);
      EXPECT_THAT(error.what(), HasSubstr(why));
    }
  }
  for (const char* wrong : {"from: old\ninit: sizes.yaml", "seed: 2"}) {
    try {
      begun(wrong);
      ADD_FAILURE() << wrong;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::input);
      EXPECT_THAT(error.what(), HasSubstr("init"));
    }
  }
}

TEST_F(RecipeFile, RefusesWhatItDoesNotKnow) {
  EXPECT_THAT(sentence("{held_out: h, phases: [{steps: 1, data: [a], bacth: 2}]}"),
              testing::AllOf(HasSubstr("bacth"), HasSubstr("did you mean 'batch'")));
  EXPECT_THAT(sentence("{held_out: h, phases: []}"), HasSubstr("list of phases"));
  EXPECT_THAT(sentence("{held_out: h, phases: [{steps: 1, data: [a]}]}", "muon: true, "),
              HasSubstr("tables of words"));
  EXPECT_THAT(sentence("{held_out: h, phases: [{data: [a]}]}"), HasSubstr("'steps' is missing"));
  EXPECT_THAT(sentence("{held_out: h, phases: [{steps: 1, data: [a], crop: 12}]}"),
              HasSubstr("multiple of 8"));
  EXPECT_THAT(sentence("{held_out: h, ema: 2, phases: [{steps: 1, data: [a]}]}"),
              HasSubstr("'ema' is 2"));
  EXPECT_THAT(sentence("{phases: [{steps: 1, data: [a]}]}"), HasSubstr("held_out"));
}

}  // namespace
}  // namespace iclora::pretrain
