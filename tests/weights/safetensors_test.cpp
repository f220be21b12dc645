#include "weights/safetensors.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "core/error.h"
#include "core/json.h"
#include "core/philox.h"
#include "scratch.h"
#include "weights/checkpoint.h"
#include "weights/random_init.h"
#include "weights/safetensors_writer.h"

namespace iclora::weights {
namespace {

using testing_support::ScratchFolder;

// Any shapes and dtypes: what was written is read back, bytes and all.
TEST(Safetensors, ReadsBackWhatWasWritten) {
  const Random random(4, Stream::order);
  for (uint64_t trial = 0; trial < 50; ++trial) {
    const ScratchFolder scratch;
    std::vector<TensorHead> heads;
    std::string data;
    for (uint64_t i = 0; i < random.bits(100 * trial) % 6; ++i) {
      TensorHead head;
      head.name = "tensor." + std::to_string(i) + "\u00e9\"\\";
      head.dtype = static_cast<Dtype>(random.bits(100 * trial + 10 * i + 1) % 12);
      uint64_t size = size_of(head.dtype);
      for (uint64_t axis = 0; axis < random.bits(100 * trial + 10 * i + 2) % 4; ++axis) {
        // At most one empty tensor: two may not stand at one place.
        const uint64_t least = i == 0 ? 0 : 1;
        head.shape.push_back(
            static_cast<int64_t>(least + random.bits(100 * trial + 10 * i + 3 + axis) % 4));
        size *= static_cast<uint64_t>(head.shape.back());
      }
      for (uint64_t k = 0; k < size; ++k) data.push_back(static_cast<char>(random.bits(k)));
      heads.push_back(head);
    }
    SafetensorsWriter writer(scratch / "a.safetensors", heads, {{"k", "v \u96e8"}});
    // In pieces that do not respect the tensors.
    for (size_t at = 0; at < data.size(); at += 7) {
      writer.append(
          std::as_bytes(std::span(data).subspan(at, std::min<size_t>(7, data.size() - at))));
    }
    writer.commit();
    const auto file = SafetensorsFile::open(scratch / "a.safetensors");
    ASSERT_EQ(file->entries().size(), heads.size());
    EXPECT_EQ(file->metadata().at("k"), "v \u96e8");
    std::string read;
    for (const TensorHead& head : heads) {
      const auto found = std::find_if(file->entries().begin(), file->entries().end(),
                                      [&](const TensorEntry& e) { return e.name == head.name; });
      ASSERT_NE(found, file->entries().end());
      EXPECT_EQ(found->dtype, head.dtype);
      EXPECT_EQ(found->shape, head.shape);
      const auto bytes = file->bytes(*found);
      read.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    }
    EXPECT_EQ(read, data);
  }
}

TEST(SafetensorsWriter, RefusesTooFewOrTooManyBytesAndLeavesNothing) {
  const ScratchFolder scratch;
  const std::string bytes(8, 'x');
  {
    SafetensorsWriter writer(scratch / "a.safetensors", {{"a", Dtype::f32, {3}}});
    writer.append(std::as_bytes(std::span(bytes)));
    EXPECT_THROW(writer.commit(), Error);
  }
  EXPECT_TRUE(std::filesystem::is_empty(scratch.path()));
  EXPECT_THROW(SafetensorsWriter(scratch / "a.safetensors",
                                 {{"a", Dtype::f32, {1}}, {"a", Dtype::f32, {1}}}),
               Error);
  EXPECT_TRUE(std::filesystem::is_empty(scratch.path()));
}

std::vector<float> floats(const StoredTensor& tensor) {
  std::vector<float> out(tensor.bytes.size() / 4);
  std::memcpy(out.data(), tensor.bytes.data(), tensor.bytes.size());
  return out;
}

TEST(RandomInit, ValuesDependOnNameAndSeedAloneAndShardsFollowTheLimit) {
  const std::vector<ParameterSpec> parameters = {{"a", {300, 200}, init_normal(0.5)},
                                                 {"b", {100}, init_ones()},
                                                 {"c", {64, 3, 3, 3}, init_normal(1.0)},
                                                 {"d", {10}, init_zeros()}};
  NoProgress progress;
  const ScratchFolder scratch;
  std::filesystem::create_directory(scratch / "one");
  std::filesystem::create_directory(scratch / "many");
  write_random_weights(scratch / "one", "model", parameters,
                       {.seed = 7, .dtype = Dtype::f32, .maximum_shard_bytes = 1 << 30}, progress);
  auto reversed = parameters;
  std::reverse(reversed.begin(), reversed.end());
  write_random_weights(scratch / "many", "model", reversed,
                       {.seed = 7, .dtype = Dtype::f32, .maximum_shard_bytes = 10000}, progress);
  const auto one = Checkpoint::open(scratch / "one");
  const auto many = Checkpoint::open(scratch / "many");
  EXPECT_EQ(one.files().size(), 1U);
  EXPECT_GT(many.files().size(), 1U);
  for (const auto& parameter : parameters) {
    EXPECT_EQ(floats(*one.find(parameter.name)), floats(*many.find(parameter.name)))
        << parameter.name;
  }
  EXPECT_EQ(floats(*one.find("b"))[99], 1.0F);
  EXPECT_EQ(floats(*one.find("d"))[9], 0.0F);
  double square = 0;
  for (const float x : floats(*one.find("a"))) square += double(x) * x;
  // Deviation 0.5 within four standard errors over 60,000 draws.
  EXPECT_NEAR(std::sqrt(square / 60000), 0.5, 4 * 0.5 / std::sqrt(2 * 60000.0));
}

}  // namespace
}  // namespace iclora::weights
