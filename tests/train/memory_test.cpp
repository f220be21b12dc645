// A training whose memory ends while it draws its samples.

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <malloc.h>
#include <sys/resource.h>

#include <fstream>

#include "core/hash.h"
#include "core/log.h"
#include "image/png_write.h"
#include "run/config.h"
#include "scratch.h"
#include "train/train.h"
#include "weights/checkpoint.h"

namespace iclora::train {
namespace {

namespace fs = std::filesystem;
using testing_support::ScratchFolder;

// From the start of the program on, each large block is mapped by itself, and none is served from
// memory that an earlier test freed.
[[maybe_unused]] const int kMapped = ::mallopt(M_MMAP_THRESHOLD, 64 << 10);

/// From the moment named on, the system grants no further memory, until end() is called.
class ScarceMemory final : public Progress {
 public:
  /// After training step `trained`, when `sampled` sampling steps are done.
  ScarceMemory(int64_t trained, int64_t sampled) : trained_(trained), sampled_(sampled) {
    ::getrlimit(RLIMIT_AS, &before_);
  }
  ~ScarceMemory() override { end(); }
  ScarceMemory(const ScarceMemory&) = delete;
  ScarceMemory& operator=(const ScarceMemory&) = delete;

  void report(const ProgressEvent& event) override {
    if (event.phase == "training") now_ = event.step;
    if (event.phase != "sampling" || now_ != trained_ || event.step != sampled_) return;
    rlimit limit = before_;
    limit.rlim_cur = 1 << 20;  // less than the process has: nothing can be mapped
    ::setrlimit(RLIMIT_AS, &limit);
  }
  void end() { ::setrlimit(RLIMIT_AS, &before_); }

 private:
  const int64_t trained_;
  const int64_t sampled_;
  int64_t now_ = 0;
  rlimit before_{};
};

/// Four times the canvas that is trained on, so that a sample needs more than a step had.
constexpr const char* kFourPanels =
    "four [TOP-LEFT] a [TOP-RIGHT] b [BOTTOM-LEFT] c [BOTTOM-RIGHT] d";

class TrainingWithoutMemory : public testing::TestWithParam<int64_t> {
 protected:
  TrainingWithoutMemory() : threads_(at::get_num_threads()) {
    at::set_num_threads(1);
    log::set_writer([this](bool warning, std::string_view text) {
      if (!warning) return;
      warnings_.emplace_back(text);
      if (scarce_ != nullptr) scarce_->end();
    });
    for (const char* set : {"a", "b"}) {
      fs::create_directories(scratch_ / "sets" / set);
      image::Image picture(256, 256);
      for (size_t i = 0; i < picture.rgb.size(); ++i) {
        picture.rgb[i] = static_cast<uint8_t>(i / (set[0] == 'a' ? 91 : 173));
      }
      image::write_png(scratch_ / "sets" / set / "1.png", picture, {});
      std::ofstream(scratch_ / "sets" / set / "caption.txt") << "picture " << set;
    }
  }
  ~TrainingWithoutMemory() override {
    log::set_writer(nullptr);
    at::set_num_threads(threads_);
  }

  void run(const std::string& out, Progress& progress) const {
    const Json json = {{"name", "toy"},
                       {"model", ICLORA_FIXTURES "/models/toy-dev"},
                       {"data", {{"path", (scratch_.path() / "sets").native()}}},
                       {"lora", {{"rank", 2}}},
                       {"train", {{"steps", 3}, {"batch", 1}, {"dtype", "fp32"}}},
                       {"sample", {{"every", 1}, {"steps", 1}, {"prompts", {kFourPanels}}}},
                       {"save", {{"every", 0}, {"dtype", "fp32"}}},
                       {"out", (scratch_.path() / out).native()}};
    TrainOptions options;
    options.cache = scratch_.path() / "cache";
    const TrainResult result = train(run::config_from_json(json, "test"), options, progress);
    EXPECT_EQ(result.steps, 3);
  }
  /// Of the LoRA's values: its metadata has times.
  std::string values(const std::string& out) const {
    Sha256 hash;
    const auto file = weights::Checkpoint::open(scratch_.path() / out / "lora/toy.safetensors");
    for (const auto& [key, tensor] : file.tensors()) {
      hash.update(key);
      hash.update(tensor.bytes);
    }
    return hash.hex();
  }

  const int threads_;
  ScratchFolder scratch_;
  std::vector<std::string> warnings_;
  ScarceMemory* scarce_ = nullptr;
};

TEST_P(TrainingWithoutMemory, LeavesOutTheSampleAndGoesOn) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "the address sanitizer itself needs more address space than a limit can grant";
#endif
  ScarceMemory scarce(2, GetParam());
  scarce_ = &scarce;
  run("scarce", scarce);
  scarce_ = nullptr;
  ASSERT_EQ(warnings_.size(), 1U);
  EXPECT_THAT(warnings_[0], testing::AllOf(testing::HasSubstr("samples/000002"),
                                           testing::HasSubstr("The training goes on.")));
  EXPECT_TRUE(fs::exists(scratch_ / "scarce/samples/000001/01.png"));
  EXPECT_FALSE(fs::exists(scratch_ / "scarce/samples/000002"));
  EXPECT_TRUE(fs::exists(scratch_ / "scarce/samples/000003/01.png"));

  NoProgress unwatched;
  run("plenty", unwatched);
  EXPECT_EQ(warnings_.size(), 1U);
  EXPECT_EQ(values("scarce"), values("plenty"));
  EXPECT_EQ(sha256_of_file(scratch_ / "scarce/samples/000003/01.png"),
            sha256_of_file(scratch_ / "plenty/samples/000003/01.png"));
}

// In the transformer, and in the autoencoder, after the only step.
INSTANTIATE_TEST_SUITE_P(Moments, TrainingWithoutMemory, testing::Values(0, 1));

}  // namespace
}  // namespace iclora::train
