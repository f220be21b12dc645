#include "train/trained_tensors.h"

#include <ATen/ATen.h>

#include <cmath>
#include <memory>
#include <regex>
#include <stdexcept>

#include "core/error.h"
#include "core/pattern.h"
#include "core/philox.h"

namespace iclora::train {
namespace {

bool in_blocks(const std::string& module) {
  return module.starts_with("transformer_blocks.") ||
         module.starts_with("single_transformer_blocks.");
}

/// Linear layers by their last words: attention's, in double and in single blocks.
bool is_attention(const std::string& module) {
  static const std::regex pattern(
      "transformer_blocks\\.\\d+\\.attn\\.(to_[qkv]|to_out\\.0|add_[qkv]_proj|to_add_out)"
      "|single_transformer_blocks\\.\\d+\\.attn\\.to_[qkv]");
  return std::regex_match(module, pattern);
}

at::Tensor initial_a(int64_t rank, int64_t in, uint64_t seed, uint64_t layer) {
  at::Tensor a = at::empty({rank, in}, at::kFloat);
  const Random random(seed, Stream::lora_init, layer);
  const float bound = 1.0F / std::sqrt(static_cast<float>(in));
  float* values = a.mutable_data_ptr<float>();
  for (int64_t i = 0; i < a.numel(); ++i) {
    values[i] = (2.0F * random.uniform(static_cast<uint64_t>(i)) - 1.0F) * bound;
  }
  return a;
}

}  // namespace

LayerFilter layer_filter(const std::vector<std::string>& targets) {
  if (targets.size() == 1 && targets[0] == "all") return in_blocks;
  if (targets.size() == 1 && targets[0] == "attention") return is_attention;
  auto patterns = std::make_shared<std::vector<Pattern>>();
  for (const std::string& target : targets) {
    try {
      patterns->emplace_back(target);
    } catch (const std::invalid_argument& error) {
      fail_input("lora.targets: '{}' is not a regular expression that can be used here ({}).",
                 printable(target), error.what());
    }
  }
  return [patterns](const std::string& module) {
    return std::any_of(patterns->begin(), patterns->end(),
                       [&](const Pattern& pattern) { return pattern.matches(module); });
  };
}

void check_rank(int64_t rank, const std::string& module, int64_t in, int64_t out) {
  if (rank <= std::min(in, out)) return;
  fail_input("lora.rank {} is above the size of layer '{}' ({} -> {}); choose at most {}.", rank,
             module, in, out, std::min(in, out));
}

void fail_no_layer() {
  fail_input(
      "lora.targets fit no linear layer of this transformer; 'all' takes those of its blocks, "
      "'attention' those of its attention.");
}

TrainedTensors add_lora(flux::Transformer& transformer, const LayerFilter& filter, int64_t rank,
                        double alpha, uint64_t seed) {
  TrainedTensors trained;
  uint64_t index = 0;
  flux::for_each_linear(transformer, [&](nn::Linear& layer) {
    const uint64_t number = index++;  // counted over all layers: no choice of targets moves a draw
    if (!filter(layer.name)) return;
    const int64_t in = layer.in_features();
    const int64_t out = layer.out_features();
    check_rank(rank, layer.name, in, out);
    const at::Tensor a = initial_a(rank, in, seed, number);
    const at::Tensor b = at::zeros({out, rank}, at::kFloat);
    const auto dtype = layer.weight.scalar_type();
    const size_t place = layer.adapters.size();
    const auto slot = static_cast<nn::Slot>(trained.size());
    layer.adapters.push_back(
        {a.to(dtype), b.to(dtype), alpha / static_cast<double>(rank), slot, slot + 1});
    nn::Linear* owner = &layer;
    const std::string key = "transformer." + layer.name;
    trained.push_back(
        {key + ".lora_A.weight", a, [=]() -> at::Tensor& { return owner->adapters[place].a; }});
    trained.push_back(
        {key + ".lora_B.weight", b, [=]() -> at::Tensor& { return owner->adapters[place].b; }});
  });
  if (trained.empty()) fail_no_layer();
  return trained;
}

TrainedTensors train_every_weight(flux::Transformer& transformer) {
  TrainedTensors trained;
  flux::for_each_weight(
      transformer, [&](const std::string& name, at::Tensor& weight, nn::Slot& slot) {
        slot = static_cast<nn::Slot>(trained.size());
        at::Tensor* place = &weight;
        // A copy of its own: the weights may be a file's mapped pages.
        const at::Tensor master = weight.to(at::kFloat, /*non_blocking=*/false, /*copy=*/true);
        trained.push_back({name, master, [=]() -> at::Tensor& { return *place; }});
      });
  return trained;
}

void put_into_layers(const TrainedTensors& trained, const std::vector<at::Tensor>& values) {
  for (size_t i = 0; i < trained.size(); ++i) {
    at::Tensor& place = trained[i].in_layer();
    // A new tensor: what was there may be mapped, or the master itself.
    place = values[i].to(place.scalar_type());
  }
}

std::vector<at::Tensor> masters(const TrainedTensors& trained) {
  std::vector<at::Tensor> out;
  for (const TrainedTensor& tensor : trained) out.push_back(tensor.master);
  return out;
}

}  // namespace iclora::train
