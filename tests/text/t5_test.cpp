#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>

#include "core/progress.h"
#include "fixtures.h"
#include "runtime/file_weights.h"
#include "scratch.h"
#include "tensors.h"
#include "text/clip.h"
#include "text/t5.h"
#include "weights/random_init.h"

namespace iclora::text {
namespace {

using testing_support::Fixture;
using testing_support::relative_l2;
using testing_support::same_bytes_on_any_thread_count;

// The bound for a module in fp32.
constexpr double kModuleTolerance = 1e-5;
// The bound in bf16: this times the error that the reference makes there.
constexpr double kRoundedFactor = 1.5;

T5Config config_of(const std::string& folder) {
  return t5_config_from_json(read_json(folder + "/config.json"), "config.json");
}

runtime::FileWeights source_of(const std::string& folder) {
  return runtime::FileWeights(weights::Checkpoint::open(folder + "/model.safetensors"),
                              {{"shared.", "encoder.embed_tokens."}});
}

T5Encoder load(const std::string& folder, at::ScalarType dtype) {
  runtime::FileWeights source = source_of(folder);
  return load_t5(source, config_of(folder), dtype);
}

const std::string kOdd = ICLORA_FIXTURES "/text/t5";

TEST(T5, EqualsTheReferenceWithOtherSizesAndBuckets) {
  Fixture fixture("text/t5/expected.safetensors");
  EXPECT_LT(relative_l2(t5_forward(load(kOdd, at::kFloat), fixture["ids"]), fixture["hidden"]),
            kModuleTolerance);
  EXPECT_LT(relative_l2(t5_forward(load(kOdd, at::kBFloat16), fixture["ids"]), fixture["hidden"]),
            kRoundedFactor * relative_l2(fixture["hidden.bf16"], fixture["hidden"]));
}

TEST(T5, BucketsEqualTheReference) {
  Fixture fixture("text/t5/expected.safetensors");
  for (const auto& [count, distance] : {std::pair{32, 128}, {10, 20}, {4, 3}, {64, 1000}}) {
    T5Config config;
    config.relative_attention_num_buckets = count;
    config.relative_attention_max_distance = distance;
    const at::Tensor buckets = relative_buckets(config, 300);
    const at::Tensor expected = fixture[fmt::format("buckets.{}.{}", count, distance)];
    EXPECT_TRUE(at::equal(buckets[0], expected[0])) << count;
    EXPECT_TRUE(at::equal(buckets[299], expected[1])) << count;
  }
}

TEST(T5, OneBlockAtATimeGivesTheSameBytes) {
  Fixture fixture("text/t5/expected.safetensors");
  for (const auto dtype : {at::kFloat, at::kBFloat16}) {
    runtime::FileWeights source = source_of(kOdd);
    NoProgress progress;
    EXPECT_TRUE(
        at::equal(t5_forward(load(kOdd, dtype), fixture["ids"]),
                  t5_forward_streamed(source, config_of(kOdd), fixture["ids"], dtype, progress)));
  }
}

TEST(T5, ThreadsNeverChangeABit) {
  Fixture fixture("text/t5/expected.safetensors");
  for (const auto dtype : {at::kFloat, at::kBFloat16}) {
    const T5Encoder encoder = load(kOdd, dtype);
    EXPECT_TRUE(
        same_bytes_on_any_thread_count([&] { return t5_forward(encoder, fixture["ids"]); }));
  }
}

/// Whether the process still maps the file.
bool is_mapped(const std::filesystem::path& path) {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    if (line.ends_with(path.native())) return true;
  }
  return false;
}

TEST(T5, WeightsLeaveMemoryWithTheEncoder) {
  testing_support::ScratchFolder scratch;
  const T5Config config = config_of(kOdd);
  NoProgress progress;
  weights::write_random_weights(scratch.path(), "model", parameters(config),
                                {.seed = 1, .dtype = weights::Dtype::f32}, progress);
  const std::filesystem::path file = scratch / "model.safetensors";
  at::Tensor states;
  {
    runtime::FileWeights source = source_of(scratch.path());
    const T5Encoder encoder = load_t5(source, config, at::kFloat);
    states = t5_forward(encoder, at::ones({1, 9}, at::kLong));
    EXPECT_TRUE(is_mapped(file)) << "weights of the asked dtype are used where they are mapped";
  }
  EXPECT_FALSE(is_mapped(file));
  EXPECT_TRUE(at::isfinite(states).all().item<bool>());
}

TEST(Parameters, AreTheTensorsThatLoadingAsksFor) {
  struct Names final : nn::WeightSource {
    bool contains(std::string_view) const override { return true; }
    at::Tensor get(std::string_view name, const std::vector<int64_t>& shape,
                   at::ScalarType dtype) override {
      asked.emplace(std::string(name), shape);
      return at::empty(shape, dtype);
    }
    std::map<std::string, std::vector<int64_t>> asked;
  } names;
  const T5Config config = config_of(kOdd);
  load_t5(names, config, at::kFloat);
  std::map<std::string, std::vector<int64_t>> listed;
  for (const auto& parameter : parameters(config)) listed[parameter.name] = parameter.shape;
  EXPECT_EQ(names.asked, listed);
}

// T5-XXL's encoder, as FLUX.1 uses it, has 4,762,310,656 weights (its published index says
// 9,524,621,312 bytes in bf16); CLIP ViT-L/14's text encoder 123,060,480.
TEST(Parameters, OfFlux1AddUpToThePublishedSizes) {
  int64_t t5 = 0;
  for (const auto& parameter : parameters(T5Config{})) t5 += parameter.element_count();
  EXPECT_EQ(t5, 4'762'310'656);
  int64_t clip = 0;
  for (const auto& parameter : parameters(ClipConfig{})) clip += parameter.element_count();
  EXPECT_EQ(clip, 123'060'480);
}

}  // namespace
}  // namespace iclora::text
