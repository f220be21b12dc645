#include "sampling/zoo.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "refusal.h"
#include "scratch.h"
#include "weights/safetensors_writer.h"

namespace iclora::sampling {
namespace {

namespace fs = std::filesystem;
using testing_support::refusal_of;
using testing_support::ScratchFolder;

class Zoo : public testing::Test {
 protected:
  Zoo() { ::setenv("HF_HUB_CACHE", (scratch_ / "hub").c_str(), 1); }
  ~Zoo() override { ::unsetenv("HF_HUB_CACHE"); }

  /// An adapter of one layer of the toy model, or of one as wide as FLUX.1-dev's.
  void write_adapter(const fs::path& file, int64_t width,
                     const std::map<std::string, std::string>& metadata = {}) {
    fs::create_directories(file.parent_path());
    const std::string module = "transformer.transformer_blocks.0.attn.to_q.";
    weights::SafetensorsWriter writer(file,
                                      {{module + "lora_A.weight", weights::Dtype::f32, {1, width}},
                                       {module + "lora_B.weight", weights::Dtype::f32, {width, 1}}},
                                      metadata);
    const std::vector<float> zeros(static_cast<size_t>(width));
    writer.append(std::as_bytes(std::span(zeros)));
    writer.append(std::as_bytes(std::span(zeros)));
    writer.commit();
  }

  Request request() const {
    Request request;
    request.model = ICLORA_FIXTURES "/models/toy-dev";
    request.prompt = "a fox";
    return request;
  }

  std::string error_of(const std::string& task) {
    Request asked = request();
    return refusal_of([&] { add_task(asked, task, {scratch_ / "models"}); });
  }

  static constexpr int64_t kToyWidth = 32;  // 2 heads of 16
  ScratchFolder scratch_;
};

TEST_F(Zoo, TakesTheAdapterThatFitsTheModel) {
  const fs::path own = scratch_ / "models/zoo/film-storyboard.safetensors";
  write_adapter(own, kToyWidth, {{"iclora", R"({"grid": "3x1"})"}});
  Request asked = request();
  add_task(asked, "film-storyboard", {scratch_ / "models"});
  ASSERT_EQ(asked.loras.size(), 1U);
  EXPECT_EQ(asked.loras[0].file, own.native());
  // The file speaks for itself.
  EXPECT_FALSE(asked.grid);
  EXPECT_EQ(asked.prompt, "a fox");

  write_adapter(own, 3072);
  EXPECT_THAT(error_of("film-storyboard"), testing::HasSubstr("made for a model of another size"));
}

TEST_F(Zoo, GivenPanelsThatMayStayCleanHaveAnAdapterOfTheirOwn) {
  const fs::path zoo = scratch_ / "models/zoo";
  const auto taken = [&](const std::optional<std::string>& condition, bool given) {
    Request asked = request();
    asked.condition = condition;
    if (given) asked.given = {{1, "cat.png", std::nullopt, ""}};
    add_task(asked, "film-storyboard", {scratch_ / "models"});
    EXPECT_EQ(asked.loras.size(), 1U);
    return fs::path(asked.loras[0].file).filename();
  };
  write_adapter(zoo / "film-storyboard.safetensors", kToyWidth);
  EXPECT_EQ(taken({}, true), "film-storyboard.safetensors");
  write_adapter(zoo / "film-storyboard-given.safetensors", kToyWidth);
  EXPECT_EQ(taken({}, true), "film-storyboard-given.safetensors");
  EXPECT_EQ(taken("clean", true), "film-storyboard-given.safetensors");
  EXPECT_EQ(taken("replace", true), "film-storyboard.safetensors");
  EXPECT_EQ(taken("sdedit", true), "film-storyboard.safetensors");
  EXPECT_EQ(taken({}, false), "film-storyboard.safetensors");
}

TEST_F(Zoo, AReleasedFileGetsWhatItsAuthorsRecommend) {
  const std::string commit = "0123456789abcdef";
  const fs::path repository = scratch_ / "hub/models--ali-vilab--In-Context-LoRA";
  fs::create_directories(repository / "refs");
  std::ofstream(repository / "refs/main") << commit;
  write_adapter(repository / "snapshots" / commit / "ppt-templates.safetensors", kToyWidth);
  write_adapter(repository / "snapshots" / commit / "film-storyboard.safetensors", kToyWidth);
  for (const char* name : {"slide-templates", "ppt-templates"}) {
    Request slides = request();
    add_task(slides, name, {scratch_ / "models"});
    EXPECT_EQ(panels::to_string(*slides.grid), "2x2");
    EXPECT_EQ(*slides.panel, (Size{992, 576}));
    EXPECT_EQ(slides.dialect, "corners");
  }
  Request film = request();
  film.panel = Size{64, 32};
  add_task(film, "film-storyboard", {scratch_ / "models"});
  EXPECT_EQ(film.prompt, "[MOVIE-SHOTS] a fox");
  EXPECT_EQ(*film.panel, (Size{64, 32})) << "what was asked for wins";
}

TEST_F(Zoo, SaysWhatIsMissing) {
  EXPECT_THAT(error_of("film-storybord"), testing::HasSubstr("did you mean 'film-storyboard'?"));
  EXPECT_THAT(error_of("font-design"),
              testing::AllOf(testing::HasSubstr("models/zoo/font-design.safetensors"),
                             testing::HasSubstr("ali-vilab/In-Context-LoRA")));
  EXPECT_THAT(error_of("../font-design"), testing::HasSubstr("expected a name"));
}

}  // namespace
}  // namespace iclora::sampling
