#include "weights/random_init.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <thread>

#include "core/error.h"
#include "core/file.h"
#include "core/hash.h"
#include "core/json.h"
#include "core/philox.h"
#include "weights/safetensors_writer.h"

namespace iclora::weights {
namespace {

constexpr int64_t kPiece = int64_t{1} << 20;  // elements in memory at once, a thread

/// Round to nearest even; values are finite.
uint16_t to_bf16(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  return static_cast<uint16_t>((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

/// Elements [first, first + count) of a tensor as bytes of its dtype.
void fill(const ParameterSpec& parameter, const RandomInit& init, uint64_t stream_seed,
          int64_t first, std::span<float> scratch, std::span<std::byte> out) {
  switch (parameter.init.kind) {
    case Init::Kind::zeros:
      std::fill(scratch.begin(), scratch.end(), 0.0F);
      break;
    case Init::Kind::ones:
      std::fill(scratch.begin(), scratch.end(), 1.0F);
      break;
    case Init::Kind::normal:
      Random(stream_seed, Stream::weight_init).fill_normal(scratch, static_cast<uint64_t>(first));
      for (float& value : scratch) value *= static_cast<float>(parameter.init.deviation);
      break;
  }
  if (init.dtype == Dtype::f32) {
    std::memcpy(out.data(), scratch.data(), out.size());
    return;
  }
  for (size_t i = 0; i < scratch.size(); ++i) {
    const uint16_t value = to_bf16(scratch[i]);
    std::memcpy(out.data() + 2 * i, &value, 2);
  }
}

/// A seed of its own for each tensor, by name.
uint64_t seed_of(const ParameterSpec& parameter, uint64_t seed) {
  return std::stoull(sha256(fmt::format("{}:{}", seed, parameter.name)).substr(0, 16), nullptr, 16);
}

void write_tensor(SafetensorsWriter& writer, const ParameterSpec& parameter,
                  const RandomInit& init) {
  const auto threads =
      static_cast<int64_t>(std::clamp(std::thread::hardware_concurrency(), 1U, 16U));
  const uint64_t stream_seed = seed_of(parameter, init.seed);
  const auto size = static_cast<int64_t>(size_of(init.dtype));
  const int64_t total = parameter.element_count();
  std::vector<float> scratch(static_cast<size_t>(std::min(total, threads * kPiece)));
  std::vector<std::byte> bytes(scratch.size() * static_cast<size_t>(size));
  for (int64_t start = 0; start < total; start += threads * kPiece) {
    const int64_t stop = std::min(total, start + threads * kPiece);
    std::vector<std::thread> workers;
    for (int64_t first = start; first < stop; first += kPiece) {
      const auto work = [&, first] {
        const int64_t count = std::min(kPiece, stop - first);
        fill(parameter, init, stream_seed, first,
             std::span(scratch).subspan(static_cast<size_t>(first - start),
                                        static_cast<size_t>(count)),
             std::span(bytes).subspan(static_cast<size_t>((first - start) * size),
                                      static_cast<size_t>(count * size)));
      };
      if (stop - start <= kPiece) {
        work();
      } else {
        workers.emplace_back(work);
      }
    }
    for (auto& worker : workers) worker.join();
    writer.append(std::span(bytes).first(static_cast<size_t>((stop - start) * size)));
  }
}

using Shard = std::vector<const ParameterSpec*>;

std::vector<Shard> plan_shards(const std::vector<ParameterSpec>& parameters,
                               const RandomInit& init) {
  std::vector<Shard> shards(1);
  uint64_t filled = 0;
  for (const ParameterSpec& parameter : parameters) {
    const uint64_t bytes = static_cast<uint64_t>(parameter.element_count()) * size_of(init.dtype);
    if (!shards.back().empty() && filled + bytes > init.maximum_shard_bytes) {
      shards.emplace_back();
      filled = 0;
    }
    shards.back().push_back(&parameter);
    filled += bytes;
  }
  return shards;
}

}  // namespace

void write_random_weights(const std::filesystem::path& folder, const std::string& stem,
                          const std::vector<ParameterSpec>& parameters, const RandomInit& init,
                          Progress& progress) {
  if (init.dtype != Dtype::f32 && init.dtype != Dtype::bf16) {
    fail(ErrorKind::internal, "write_random_weights: {} is not written.", name_of(init.dtype));
  }
  const std::vector<Shard> shards = plan_shards(parameters, init);
  Json weight_map = Json::object();
  uint64_t total = 0;
  int64_t done = 0;
  for (size_t i = 0; i < shards.size(); ++i) {
    const std::string name = shards.size() == 1 ? stem + ".safetensors"
                                                : fmt::format("{}-{:05}-of-{:05}.safetensors", stem,
                                                              i + 1, shards.size());
    std::vector<TensorHead> heads;
    for (const ParameterSpec* parameter : shards[i]) {
      heads.push_back({parameter->name, init.dtype, parameter->shape});
      weight_map[parameter->name] = name;
      total += static_cast<uint64_t>(parameter->element_count()) * size_of(init.dtype);
    }
    SafetensorsWriter writer(folder / name, heads, {{"format", "pt"}});
    for (const ParameterSpec* parameter : shards[i]) {
      check_cancelled(progress);
      write_tensor(writer, *parameter, init);
      progress.report({.phase = "writing weights",
                       .step = ++done,
                       .total = static_cast<int64_t>(parameters.size()),
                       .loss = {}});
    }
    writer.commit();
  }
  if (shards.size() > 1) {
    const Json index = {{"metadata", {{"total_size", total}}}, {"weight_map", weight_map}};
    write_file(folder / (stem + ".safetensors.index.json"), index.dump(2) + "\n");
  }
}

}  // namespace iclora::weights
