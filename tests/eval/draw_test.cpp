#include "eval/draw.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "sampling/generate.h"

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

}  // namespace
}  // namespace iclora::eval
