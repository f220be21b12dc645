// What a training's samples show and what their captions say.

#include "train/feed.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sampling/text_length.h"
#include "small_training.h"
#include "train/encode.h"

namespace iclora::train {
namespace {

class Feeding : public Training {
 protected:
  /// Every sample has given panels.
  run::Config config(const std::string& method, double silent) const {
    Json json = config_json("out");
    json["method"] = method;
    json["data"]["validation"] = 0;
    json["data"]["fit"] = "contain";
    json["train"]["caption_dropout"] = 0;
    json["train"]["conditional"] = 1;
    json["train"]["given_silent"] = silent;
    return run::config_from_json(json, "test");
  }
  /// The embedding by T5 of each caption.
  std::vector<at::Tensor> embedded(const sampling::OpenModel& model,
                                   const std::vector<std::string>& captions) const {
    NoProgress progress;
    const EncodingCache cache(options().cache);
    std::vector<at::Tensor> out;
    for (const std::string& key :
         encode_captions(model, captions, sampling::default_text_length(model), at::kBFloat16,
                         cache, progress)) {
      out.push_back(cache.load(key).at("t5"));
    }
    return out;
  }
};

TEST_F(Feeding, OfGivenPanelsNothingIsSaidAsOftenAsAsked) {
  NoProgress progress;
  for (const std::string method : {"canvas", "gdt"}) {
    for (const double share : {0.0, 0.5, 1.0}) {
      const run::Config asked = config(method, share);
      const auto model = sampling::open_model(asked.model, {});
      SetFeed feed(asked, EncodingCache(options().cache));
      feed.encode(model, progress);
      SampleDraws draws(feed.plan(), asked.train);
      int silent = 0, samples = 0;
      for (int64_t step = 0; step < asked.train.steps; ++step) {
        for (int64_t place = 0; place < asked.train.batch * asked.train.accumulate; ++place) {
          const Sample sample = draws.at(step, place);
          ASSERT_FALSE(sample.given.empty());
          std::vector<std::string> parts = {"left", "middle", "right"};
          for (const int64_t number : sample.given) {
            if (sample.silent) parts[static_cast<size_t>(number - 1)].clear();
          }
          const std::string set = "set " + feed.sets()[feed.plan().training[sample.item].set].id;
          std::vector<std::string> captions = {set};
          for (size_t i = 0; i < 3; ++i) {
            captions[0] += fmt::format(" [SCENE-{}] {}", i + 1, parts[i]);
          }
          if (method == "gdt")
            captions = {set + " " + parts[0], set + " " + parts[1], set + " " + parts[2]};
          for (std::string& caption : captions) caption = captions::squeeze(caption);
          const MicroBatch batch = feed.batch(step, place / asked.train.batch);
          EXPECT_TRUE(
              at::equal(batch.t5[place % asked.train.batch], at::cat(embedded(model, captions))))
              << captions[0];
          silent += sample.silent ? 1 : 0;
          ++samples;
        }
      }
      EXPECT_EQ(samples, 24);
      if (share == 0.5) {
        EXPECT_GT(silent, 0);
        EXPECT_LT(silent, samples);
      } else {
        EXPECT_EQ(silent, share == 0 ? 0 : samples);
      }
    }
  }
}

TEST_F(Feeding, SilentCaptionsAreEncodedBeforeTheTrainingAndCounted) {
  const auto model = sampling::open_model(config("canvas", 0).model, {});
  const SetFeed told(config("canvas", 0), EncodingCache(options().cache));
  const SetFeed silent(config("canvas", 1), EncodingCache(options().cache));
  EXPECT_GT(silent.cache_bytes(model), told.cache_bytes(model));
}

}  // namespace
}  // namespace iclora::train
