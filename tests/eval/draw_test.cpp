#include "eval/draw.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "image/png_write.h"
#include "sampling/generate.h"
#include "scratch.h"

namespace iclora::eval {
namespace {

const std::string kModel = ICLORA_FIXTURES "/models/toy-dev";

DrawSettings settings(int64_t batch, double cfg) {
  DrawSettings out;
  out.steps = 2;
  out.cfg = cfg;
  out.text_length = 16;
  out.batch = batch;
  out.dtype = "fp32";
  return out;
}

std::vector<DrawTask> tasks() {
  const panels::Layout single = panels::grid_layout({1, 1}, 32, 32);
  const panels::Layout pair = panels::grid_layout({1, 2}, 32, 32);
  return {{"a red fox", single, 5},
          {"two mugs", pair, 6},
          {"a boat at night", single, 7},
          {"a third", single, 8},
          {"[LEFT] a bird [RIGHT] a tree", pair, 9}};
}

image::Image generated(const DrawTask& task, double cfg, const std::string& method) {
  sampling::Request request;
  request.model = kModel;
  request.prompt = task.caption;
  request.grid = task.layout.grid;
  request.panel = sampling::Size{32, 32};
  request.steps = 2;
  request.cfg = cfg;
  request.seed = task.seed;
  request.text_length = 16;
  request.dtype = "fp32";
  request.method = method;
  NoProgress progress;
  return sampling::generate(sampling::resolve(request, {}), "test", progress).canvases[0].picture;
}

TEST(DrawCanvases, OneAtATimeMakesWhatGenerateMakes) {
  NoProgress progress;
  const auto model = sampling::open_model(kModel, {});
  for (const double cfg : {1.0, 2.0}) {
    for (const char* method : {"canvas", "gdt"}) {
      DrawSettings one = settings(1, cfg);
      one.method = sampling::method_from_name(method, "test");
      const auto drawn = draw_canvases(model, tasks(), one, progress);
      ASSERT_EQ(drawn.size(), 5u);
      for (size_t i = 0; i < drawn.size(); ++i) {
        EXPECT_EQ(drawn[i], generated(tasks()[i], cfg, method)) << method << " " << i;
      }
    }
  }
}

TEST(DrawCanvases, SeveralAtATimeMakeTheSamePictures) {
  NoProgress progress;
  const auto model = sampling::open_model(kModel, {});
  for (const double cfg : {1.0, 2.0}) {
    DrawSettings alone = settings(1, cfg), shared = settings(2, cfg);
    alone.method = shared.method = cfg == 1.0 ? sampling::Method::gdt : sampling::Method::canvas;
    const auto one = draw_canvases(model, tasks(), alone, progress);
    const auto many = draw_canvases(model, tasks(), shared, progress);
    ASSERT_EQ(many.size(), one.size());
    for (size_t i = 0; i < one.size(); ++i) {
      ASSERT_EQ(many[i].rgb.size(), one[i].rgb.size());
      int most = 0;
      for (size_t at = 0; at < one[i].rgb.size(); ++at) {
        most = std::max(most, std::abs(one[i].rgb[at] - many[i].rgb[at]));
      }
      EXPECT_LE(most, 1) << i;  // fp32 sums in another order may cross one rounding of a byte
    }
  }
}

/// Two pairs, the left panel of each given, and one without.
std::vector<DrawTask> given_tasks() {
  const panels::Layout pair = panels::grid_layout({1, 2}, 32, 32);
  std::vector<DrawTask> out = {{"two mugs", pair, 6}, {"two cups", pair, 8}, {"two cats", pair, 9}};
  for (size_t i = 0; i < 2; ++i) {
    image::Image picture(32, 32);
    for (size_t k = 0; k < picture.rgb.size(); ++k) {
      picture.rgb[k] = static_cast<uint8_t>((k * (7 + i)) % 256);
    }
    out[i].given.push_back({1, picture});
  }
  return out;
}

/// How it is written in a request, and its settings.
struct Condition {
  const char* name;
  sampling::GivenMethod method;
  double strength = 1.0;
  bool zero = false;
  flux::GivenSees sees = flux::GivenSees::all;
};

TEST(DrawTasks, WithGivenPanelsMakeWhatGenerateMakes) {
  const testing_support::ScratchFolder scratch;
  NoProgress progress;
  const auto model = sampling::open_model(kModel, {});
  for (const Condition& condition :
       {Condition{"clean", sampling::GivenMethod::clean, 1.0, true},
        Condition{"clean", sampling::GivenMethod::clean, 1.0, true, flux::GivenSees::given},
        Condition{"replace", sampling::GivenMethod::replace},
        Condition{"sdedit", sampling::GivenMethod::sdedit, 0.5}}) {
    DrawSettings how = settings(1, 1.0);
    how.condition = condition.method;
    how.strength = condition.strength;
    how.given_at_zero = condition.zero;
    how.given_sees = condition.sees;
    how.given_attention = 1.3;
    const auto drawn = draw_tasks(model, given_tasks(), how, progress);
    ASSERT_EQ(drawn.size(), 3u);
    for (size_t i = 0; i < 2; ++i) {
      const DrawTask task = given_tasks()[i];
      const auto file = scratch / "given.png";
      image::write_png(file, task.given[0].picture);
      sampling::Request request;
      request.model = kModel;
      request.prompt = task.caption;
      request.grid = task.layout.grid;
      request.panel = sampling::Size{32, 32};
      request.steps = 2;
      request.seed = task.seed;
      request.text_length = 16;
      request.dtype = "fp32";
      request.given = {{1, file.native(), {}, ""}};
      request.condition = condition.name;
      if (condition.method == sampling::GivenMethod::sdedit) request.strength = condition.strength;
      if (condition.zero) request.given_timestep = "zero";
      if (condition.sees == flux::GivenSees::given) request.given_sees = "given";
      request.given_attention = 1.3;
      const auto made = sampling::generate(sampling::resolve(request, {}), "test", progress);
      EXPECT_EQ(drawn[i].picture, made.canvases[0].picture) << condition.name << " " << i;
      ASSERT_EQ(drawn[i].given.size(), 1u);
      EXPECT_EQ(drawn[i].given[0].decoded, made.canvases[0].given[0].decoded);
    }
    // What has no given panel is what it is without them.
    EXPECT_TRUE(drawn[2].given.empty());
    EXPECT_EQ(drawn[2].picture, draw_canvases(model, {given_tasks()[2]}, how, progress)[0]);
  }
}

TEST(DrawTasks, SeveralWithGivenPanelsMakeTheSamePictures) {
  NoProgress progress;
  const auto model = sampling::open_model(kModel, {});
  DrawSettings alone = settings(1, 1.0), shared = settings(8, 1.0);
  alone.condition = shared.condition = sampling::GivenMethod::sdedit;
  const auto one = draw_tasks(model, given_tasks(), alone, progress);
  const auto many = draw_tasks(model, given_tasks(), shared, progress);
  for (size_t i = 0; i < one.size(); ++i) {
    int most = 0;
    for (size_t at = 0; at < one[i].picture.rgb.size(); ++at) {
      most = std::max(most, std::abs(one[i].picture.rgb[at] - many[i].picture.rgb[at]));
    }
    EXPECT_LE(most, 1) << i;
  }
}

}  // namespace
}  // namespace iclora::eval
