#include "eval/candidates.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ATen/ATen.h>

#include <fstream>

#include "core/error.h"
#include "eval/caption_words.h"
#include "image/png_write.h"
#include "refusal.h"
#include "scratch.h"

namespace iclora::eval {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing_support::refusal_of;

const std::string kClassifier = ICLORA_FIXTURES "/eval/classifier.safetensors";

/// Three canvases of two panels, with seeds 7, 8 and 9.
sampling::Resolved mugs(const std::string& prompt = "[LEFT] a cat [RIGHT] the same at night") {
  sampling::Request request;
  request.model = ICLORA_FIXTURES "/models/toy-dev";
  request.prompt = prompt;
  request.panel = sampling::Size{32, 32};
  request.steps = 3;
  request.seed = 7;
  request.count = 3;
  request.dtype = "fp32";
  request.text_length = 16;
  return sampling::resolve(request, {});
}

/// Gives the scores in turn, those of the roughs first; below 0: none.
SetScorer scripted(const std::vector<double>& scores) {
  auto next = std::make_shared<size_t>(0);
  return {"script", [scores, next](const image::Image&) {
            const double value = scores.at((*next)++);
            if (value < 0) return Scored{std::nullopt, "It is hidden."};
            return Scored{SetScore{value, {}, ""}, ""};
          }};
}

BestOf best(const sampling::Resolved& resolved, const CandidateSettings& settings,
            const SetScorer& scorer) {
  NoProgress progress;
  return best_of(resolved, settings, scorer, "a build", progress);
}

std::string file_of(const sampling::Canvas& canvas) {
  return image::encode_png(canvas.picture, canvas.texts);
}

TEST(Candidates, TheKeptAreWhatRunsOfTheirSeedsMake) {
  const sampling::Resolved resolved = mugs();
  const BestOf out = best(resolved, {2, 1}, scripted({0.2, 0.3, 0.9, 0.8, 0.1}));
  ASSERT_EQ(out.set.canvases.size(), 2U);
  NoProgress progress;
  for (const auto& [place, seed] : {std::pair{0, 9}, {1, 8}}) {
    sampling::Request alone = mugs().request;
    alone.seed = seed;
    alone.count = 1;
    const sampling::ImageSet set =
        sampling::generate(sampling::resolve(alone, {}), "a build", progress);
    EXPECT_EQ(file_of(out.set.canvases[static_cast<size_t>(place)]), file_of(set.canvases[0]))
        << seed;
  }
  EXPECT_EQ(out.candidates[0].kept, 0);
  EXPECT_EQ(out.candidates[1].kept, 2);
  EXPECT_EQ(out.candidates[2].kept, 1);
  EXPECT_EQ(out.candidates[2].finished->score->value, 0.8);

  const Json json = best_of_json(out, resolved, {2, 1});
  EXPECT_EQ(json["list"][2]["seed"], 9);
  EXPECT_EQ(json["list"][2]["score"], 0.9);
  EXPECT_EQ(json["list"][2]["finished"]["score"], 0.8);
  EXPECT_FALSE(json["list"][0].contains("kept"));
  EXPECT_EQ(json["steps"], 1);
  EXPECT_NEAR(json["mean"].get<double>(), (0.2 + 0.3 + 0.9) / 3, 1e-4);
  EXPECT_NEAR(json["kept"].get<double>(), 0.6, 1e-4);
  EXPECT_NEAR(json["finished"].get<double>(), 0.45, 1e-4);
}

TEST(Candidates, ARoughIsTheCanvasInFewerSteps) {
  std::vector<image::Image> seen;
  const SetScorer watching = {"watching", [&](const image::Image& canvas) {
                                seen.push_back(canvas);
                                return Scored{SetScore{}, ""};
                              }};
  best(mugs(), {1, 2}, watching);
  sampling::Request rough = mugs().request;
  rough.steps = 2;
  NoProgress progress;
  const auto set = sampling::generate(sampling::resolve(rough, {}), "", progress);
  ASSERT_EQ(seen.size(), 4U);
  for (size_t i = 0; i < 3; ++i) EXPECT_EQ(seen[i], set.canvases[i].picture) << i;
  EXPECT_NE(seen[3], seen[0]);
}

TEST(Candidates, OfEqualScoresTheLowerSeedIsKept) {
  const BestOf out = best(mugs(), {1, 1}, scripted({0.5, 0.5, 0.5, 0.5}));
  EXPECT_EQ(out.candidates[0].kept, 1);
}

TEST(Candidates, OneWithoutAScoreComesLast) {
  const BestOf out = best(mugs(), {2, 1}, scripted({-1, 0.1, 0.2, -1, 0.1}));
  EXPECT_EQ(out.candidates[0].kept, 0);
  const Json json = best_of_json(out, mugs(), {2, 1});
  EXPECT_EQ(json["list"][0]["fault"], "It is hidden.");
  EXPECT_EQ(json["list"][2]["finished"]["fault"], "It is hidden.");
  try {
    best(mugs(), {3, 1}, scripted({0.3, -1, 0.2}));
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.exit_code(), 2);
    EXPECT_THAT(error.what(), HasSubstr("2 of 3 candidates could be scored"));
    EXPECT_THAT(error.what(), HasSubstr("It is hidden."));
  }
}

TEST(Candidates, TakeTwoFifthsOfTheSteps) {
  EXPECT_EQ(default_candidate_steps(20), 8);
  EXPECT_EQ(default_candidate_steps(28), 12);
  EXPECT_EQ(default_candidate_steps(4), 2);
  EXPECT_EQ(default_candidate_steps(1), 1);
}

std::vector<std::string> words_of(const std::vector<AskedWord>& asked) {
  std::vector<std::string> out;
  out.reserve(asked.size());
  for (const AskedWord& one : asked) out.push_back(one.word);
  return out;
}

/// The classes' own names.
std::vector<std::vector<AskedWord>> asked_of(const Classifier& classifier,
                                             const captions::JointCaption& caption, size_t panels) {
  return asked_words(class_phrases(classifier, "nowhere/classifier.safetensors"), caption, panels);
}

TEST(CaptionWords, WhatOnePartTellsAndAnotherLeavesOpenIsShared) {
  const Classifier classifier = open_classifier(kClassifier);
  const auto asked =
      asked_of(classifier,
               {"", "the story of <Bee>", {"a flat Cat, on the beach", "<Bee> at night", "it"}}, 3);
  EXPECT_THAT(words_of(asked[0]), ElementsAre("beach", "cat", "flat"));
  EXPECT_THAT(words_of(asked[1]), ElementsAre("night", "cat", "flat"));
  // Of two grounds the first is taken over.
  EXPECT_THAT(words_of(asked[2]), ElementsAre("beach", "cat", "flat"));
  // "beaches" is another word, and so is a name.
  EXPECT_TRUE(asked_of(classifier, {"", "beaches of <Cat>", {}}, 1)[0].empty());
  // Without parts all of it is asked of every panel.
  EXPECT_THAT(words_of(asked_of(classifier, {"", "cat; room.", {}}, 2)[1]),
              ElementsAre("cat", "room"));
}

TEST(CaptionWords, PhrasesBesideTheClassifierTakeThePlaceOfNames) {
  const testing_support::ScratchFolder scratch;
  const Classifier classifier = open_classifier(kClassifier);
  const auto phrases = [&](const std::string& json) {
    std::ofstream(scratch / "words.json") << json;
    return class_phrases(classifier, scratch / "classifier.safetensors");
  };
  const auto known = phrases(
      R"({"version": 1, "words": {"background": {"room": ["in a room", "indoors"], "moon": ["x"]},
          "subject": {"cat": ["cat"]}, "nothing": {"a": ["b"]}}})");
  const auto asked = asked_words(known, {"", "", {"a Cat, in a room", "a dog, indoors"}}, 2);
  EXPECT_THAT(words_of(asked[0]), ElementsAre("cat", "in a room"));
  EXPECT_THAT(words_of(asked[1]), ElementsAre("indoors", "cat"));  // "dog" has no phrase there
  EXPECT_EQ(asked[0][1].readings, asked[1][0].readings);
  for (const char* bad : {R"({"words": {}})", R"({"version": 1})",
                          R"({"version": 1, "words": {"subject": {"cat": [1]}}})"}) {
    EXPECT_THROW(phrases(bad), Error) << bad;
  }
}

TEST(CaptionWords, AWordOfSeveralColumnsIsReadInAnyOfThem) {
  Classifier classifier;
  classifier.columns = {{"ground", {"red", "blue"}, 0}, {"shirt", {"green", "red"}, 2}};
  const auto asked = asked_of(classifier, {"", "a red one", {}}, 1);
  ASSERT_EQ(asked[0].size(), 1U);
  EXPECT_EQ(asked[0][0].readings.size(), 2U);
  const auto read = [&](const std::vector<float>& logits) {
    return words_read(classifier, asked, at::tensor(logits).reshape({1, 4}));
  };
  EXPECT_GT(read({9, 0, 9, 0}), 0.99);
  EXPECT_GT(read({0, 9, 0, 9}), 0.99);
  EXPECT_LT(read({0, 9, 9, 0}), 0.01);
}

TEST(CaptionWords, OfAWordInsideAnotherTheLongerIsMeant) {
  Classifier classifier;
  classifier.columns.push_back({"subject", {"bear", "polar-bear", "SUN", "sun"}, 0});
  EXPECT_THAT(words_of(asked_of(classifier, {"", "a polar bear", {}}, 1)[0]),
              ElementsAre("polar bear"));
  EXPECT_THAT(words_of(asked_of(classifier, {"", "the word SUN", {}}, 1)[0]), ElementsAre("SUN"));
  EXPECT_THAT(words_of(asked_of(classifier, {"", "the Sun", {}}, 1)[0]), ElementsAre("sun"));
}

/// Stripes of two colours side by side in each panel; `second` in the right one.
image::Image pair_of(image::Rgb first, image::Rgb second) {
  image::Image canvas(64, 32);
  for (int64_t y = 0; y < 32; ++y) {
    for (int64_t x = 0; x < 64; ++x) {
      const image::Rgb colour = x < 32 ? first : second;
      const bool dark = (x % 32 < 16) == (x < 32);
      uint8_t* pixel = canvas.row(y) + 3 * x;
      pixel[0] = dark ? 0 : colour.r;
      pixel[1] = dark ? 0 : colour.g;
      pixel[2] = dark ? 0 : colour.b;
    }
  }
  return canvas;
}

TEST(PixelScore, RewardsASharedPaletteAndNoCopies) {
  const panels::Layout layout = panels::grid_layout({1, 2}, 32, 32);
  const SetScore same = score_pixels(pair_of({250, 0, 0}, {250, 0, 0}), layout);
  const SetScore other = score_pixels(pair_of({250, 0, 0}, {0, 0, 250}), layout);
  EXPECT_NEAR(same.value, 1.0, 1e-6);
  EXPECT_NEAR(other.value, 0.5, 1e-6);  // the black half
  image::Image copies = pair_of({250, 0, 0}, {250, 0, 0});
  for (int64_t y = 0; y < 32; ++y) {
    std::copy_n(copies.row(y), 96, copies.row(y) + 96);
  }
  EXPECT_EQ(score_pixels(copies, layout).value, 0);
  EXPECT_EQ(score_pixels(copies, layout).parts.at("copies"), 1);
  image::Image blank = pair_of({250, 0, 0}, {250, 0, 0});
  for (int64_t y = 0; y < 32; ++y) std::fill_n(blank.row(y), 96, uint8_t{128});
  EXPECT_EQ(score_pixels(blank, layout).value, 0);
  EXPECT_EQ(score_pixels(blank, layout).parts.at("blank"), 1);
}

std::string refusal(const sampling::Resolved& resolved, const ScorerOptions& options) {
  return refusal_of([&] { make_scorer(set_to_score(resolved), options); });
}

TEST(Scorer, IsTheClassifierWhereItReadsThePromptElsePixels) {
  EXPECT_EQ(make_scorer(set_to_score(mugs()), {}).name,
            "pixels");  // none lies beside the toy model
  const SetScorer reading = make_scorer(set_to_score(mugs()), {"auto", kClassifier});
  EXPECT_EQ(reading.name, "classifier");
  const Scored scored = reading.score(pair_of({250, 0, 0}, {0, 0, 250}));
  ASSERT_TRUE(scored.score.has_value());
  EXPECT_GT(scored.score->value, 0);
  EXPECT_EQ(scored.score->value, scored.score->parts.at("words_read"));
  const std::string nothing = "[LEFT] a mug [RIGHT] the same mug";
  EXPECT_EQ(make_scorer(set_to_score(mugs(nothing)), {"auto", kClassifier}).name, "pixels");
  EXPECT_THAT(refusal(mugs(nothing), {"classifier", kClassifier}), HasSubstr("knows no word"));
  EXPECT_THAT(refusal(mugs(), {"classifier"}), HasSubstr("--classifier FILE"));
  EXPECT_THAT(refusal(mugs("a mug"), {}), HasSubstr("--judge URL"));
}

}  // namespace
}  // namespace iclora::eval
