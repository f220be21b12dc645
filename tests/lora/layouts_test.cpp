// Files in every layout mean what diffusers makes of them. The tensors are written here by a
// formula that tools/reference/dump_lora_layouts.py shares; it has loaded them with diffusers'
// converters and written down u^T W v of every module's update W, which no other update is likely
// to give.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "core/json.h"
#include "lora/adapter_file.h"
#include "scratch.h"
#include "weights/safetensors_writer.h"

namespace iclora::lora {
namespace {

using testing_support::ScratchFolder;
using weights::Dtype;
using weights::TensorHead;

/// Element (row, column) of the file's k-th tensor, exact in fp32.
float element(int64_t k, int64_t row, int64_t column) {
  return static_cast<float>((7 * row + 13 * column + 5 * k) % 31 - 15) / 16.0F;
}

/// All of them; `parts` are the ends of a B's parts, each of which has columns of its own.
std::vector<float> values_of(const Json& tensor, int64_t k) {
  const int64_t rows = tensor["shape"][0], columns = tensor["shape"][1];
  std::vector<float> out;
  out.reserve(static_cast<size_t>(rows * columns));
  const Json ends = tensor.value("parts", Json::array());
  for (int64_t row = 0; row < rows; ++row) {
    int64_t part = 0;
    while (part < static_cast<int64_t>(ends.size()) && row >= ends[part].get<int64_t>()) ++part;
    const auto share = ends.empty() ? columns : columns / static_cast<int64_t>(ends.size());
    for (int64_t column = 0; column < columns; ++column) {
      const bool own = ends.empty() || column / share == part;
      out.push_back(own ? element(k, row, column) : 0.0F);
    }
  }
  return out;
}

/// Writes the file that a case of the fixture describes.
void write_case(const std::filesystem::path& file, const Json& tensors) {
  std::vector<TensorHead> heads;
  for (const Json& tensor : tensors) {
    heads.push_back({tensor["name"], Dtype::f32, tensor["shape"].get<std::vector<int64_t>>()});
  }
  weights::SafetensorsWriter writer(file, heads, {});
  for (size_t k = 0; k < tensors.size(); ++k) {
    const std::vector<float> values = tensors[k].contains("value")
                                          ? std::vector<float>{tensors[k]["value"].get<float>()}
                                          : values_of(tensors[k], static_cast<int64_t>(k));
    writer.append(std::as_bytes(std::span(values)));
  }
  writer.commit();
}

/// Element (row, column) of a part of a stored matrix of fp32.
double at(const AdapterFile& adapter, const Block& block, int64_t row, int64_t column) {
  const weights::StoredTensor& tensor = *adapter.checkpoint.find(block.key);
  if (block.halves_swapped) row = (row + block.rows / 2) % block.rows;
  const int64_t index = (block.row + row) * tensor.shape[1] + block.column + column;
  float value = 0;
  std::memcpy(&value, tensor.bytes.data() + static_cast<size_t>(index) * sizeof value,
              sizeof value);
  return value;
}

/// u^T (scale B A) v, with u_i = 3 i mod 7 - 3 and v_j = 5 j mod 11 - 5.
double probe(const AdapterFile& adapter, const Pair& pair) {
  double out = 0;
  for (int64_t r = 0; r < pair.rank; ++r) {
    double left = 0, right = 0;
    for (int64_t i = 0; i < pair.b.rows; ++i) {
      left += static_cast<double>(3 * i % 7 - 3) * at(adapter, pair.b, i, r);
    }
    for (int64_t j = 0; j < pair.a.columns; ++j) {
      right += static_cast<double>(5 * j % 11 - 5) * at(adapter, pair.a, r, j);
    }
    out += left * right;
  }
  return out * pair.scale;
}

class Layouts : public testing::TestWithParam<std::string> {};

TEST_P(Layouts, MeanWhatDiffusersMakesOfThem) {
  const ScratchFolder scratch;
  const Json one = read_json(ICLORA_FIXTURES "/lora/layouts.json")[GetParam()];
  write_case(scratch / "x.safetensors", one["tensors"]);
  const AdapterFile adapter = read_adapter(scratch / "x.safetensors");
  EXPECT_EQ(adapter.layout, one["layout"].get<std::string>());
  EXPECT_TRUE(adapter.unknown_keys.empty());
  const Json& modules = one["modules"];
  EXPECT_EQ(adapter.pairs.size(), modules.size());
  for (const Pair& pair : adapter.pairs) {
    ASSERT_TRUE(modules.contains(pair.module)) << pair.module;
    const Json& expected = modules[pair.module];
    EXPECT_EQ(pair.rank, expected["rank"]) << pair.module;
    EXPECT_EQ((std::vector<int64_t>{pair.out_features, pair.in_features}),
              expected["shape"].get<std::vector<int64_t>>());
    // Sums of some thousand products in double, of values that are exact.
    const double value = expected["probe"];
    EXPECT_NEAR(probe(adapter, pair), value, 1e-9 * (1 + std::abs(value))) << pair.module;
  }
}

INSTANTIATE_TEST_SUITE_P(Reference, Layouts,
                         testing::Values("kohya", "kohya_apart", "kohya_outside_blocks", "xlabs"),
                         [](const auto& one) { return one.param; });

}  // namespace
}  // namespace iclora::lora
