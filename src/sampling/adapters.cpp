#include "sampling/adapters.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <map>

#include "core/error.h"
#include "core/log.h"

namespace iclora::sampling {
namespace {

/// What a layer takes and gives.
struct LayerSize {
  int64_t in = 0;
  int64_t out = 0;
};
using LayerSizes = std::map<std::string, LayerSize>;

std::map<std::string, nn::Linear*> layers_by_name(flux::Transformer& transformer) {
  std::map<std::string, nn::Linear*> layers;
  flux::for_each_linear(transformer, [&](nn::Linear& layer) { layers[layer.name] = &layer; });
  return layers;
}

std::string first_of(const std::vector<std::string>& names) {
  std::string text = "'" + printable(names[0]) + "'";
  if (names.size() > 1) text += fmt::format(" and {} more", names.size() - 1);
  return text;
}

std::string origin_of(const lora::AdapterFile& adapter) {
  return "'" + printable(adapter.path.native(), 400) + "'";
}

AttachReport match(const LayerSizes& layers, const lora::AdapterFile& adapter) {
  AttachReport report;
  report.unmatched = adapter.unknown_keys;
  for (const lora::Pair& pair : adapter.pairs) {
    const auto found = layers.find(pair.module);
    if (found == layers.end()) {
      // Several modules may share one stored pair.
      for (const std::string& key : {pair.a.key, pair.b.key}) {
        if (std::count(report.unmatched.begin(), report.unmatched.end(), key) == 0) {
          report.unmatched.push_back(key);
        }
      }
    } else if (found->second.in != pair.in_features || found->second.out != pair.out_features) {
      report.incompatible.push_back(fmt::format(
          "{} (the adapter is for {} -> {}, the model has {} -> {})", printable(pair.module),
          pair.in_features, pair.out_features, found->second.in, found->second.out));
    } else {
      report.matched.push_back(pair.module);
    }
  }
  return report;
}

void refuse_what_does_not_fit(const AttachReport& report, const lora::AdapterFile& adapter,
                              bool allow_unmatched) {
  const std::string origin = origin_of(adapter);
  if (!report.incompatible.empty()) {
    fail_input("{} was made for another model: {}.", origin, first_of(report.incompatible));
  }
  if (!report.unmatched.empty() && !allow_unmatched) {
    fail_input(
        "{} holds tensors that fit nothing in this model: {}; --allow-unmatched leaves them "
        "out.",
        origin, first_of(report.unmatched));
  }
  if (report.matched.empty()) fail_input("{} fits no layer of this model.", origin);
}

}  // namespace

AttachReport match_adapter(flux::Transformer& transformer, const lora::AdapterFile& adapter) {
  LayerSizes sizes;
  flux::for_each_linear(transformer, [&](nn::Linear& layer) {
    sizes[layer.name] = {layer.in_features(), layer.out_features()};
  });
  return match(sizes, adapter);
}

AttachReport match_adapter(const weights::Checkpoint& transformer,
                           const lora::AdapterFile& adapter) {
  constexpr std::string_view kWeight = ".weight";
  LayerSizes sizes;
  for (const auto& [name, tensor] : transformer.tensors()) {
    // Every matrix of the transformer is a linear layer's.
    if (tensor.shape.size() != 2 || !name.ends_with(kWeight)) continue;
    sizes[name.substr(0, name.size() - kWeight.size())] = {tensor.shape[1], tensor.shape[0]};
  }
  return match(sizes, adapter);
}

void check_adapter(const weights::Checkpoint& transformer, const lora::AdapterFile& adapter,
                   bool allow_unmatched) {
  const AttachReport report = match_adapter(transformer, adapter);
  for (const std::string& key : report.unmatched) {
    log::warning("{}: '{}' fits nothing in this model{}", origin_of(adapter), printable(key),
                 allow_unmatched ? " and is left out" : "");
  }
  for (const std::string& module : report.incompatible) {
    log::warning("{}: {}", origin_of(adapter), module);
  }
  refuse_what_does_not_fit(report, adapter, allow_unmatched);
}

at::Tensor load_half(runtime::FileWeights& source, const lora::AdapterFile& adapter,
                     const lora::Block& block) {
  const std::vector<int64_t>& shape = adapter.checkpoint.find(block.key)->shape;
  at::Tensor values = source.get(block.key, shape, at::kFloat)
                          .narrow(0, block.row, block.rows)
                          .narrow(1, block.column, block.columns);
  if (!at::isfinite(values).all().item<bool>()) {
    fail_input("{}: '{}' holds values that are not finite numbers; the file is damaged.",
               origin_of(adapter), printable(block.key));
  }
  if (block.halves_swapped) values = values.roll(block.rows / 2, 0);
  return values.contiguous();
}

AttachReport attach_adapter(flux::Transformer& transformer, const lora::AdapterFile& adapter,
                            double strength, bool allow_unmatched) {
  AttachReport report = match_adapter(transformer, adapter);
  refuse_what_does_not_fit(report, adapter, allow_unmatched);
  const auto layers = layers_by_name(transformer);
  runtime::FileWeights source(adapter.checkpoint);
  for (const lora::Pair& pair : adapter.pairs) {
    const auto found = layers.find(pair.module);
    if (found == layers.end()) continue;
    nn::Linear& layer = *found->second;
    const auto half = [&](const lora::Block& block) {
      return load_half(source, adapter, block).to(layer.weight.scalar_type());
    };
    layer.adapters.push_back({half(pair.a), half(pair.b), pair.scale * strength});
  }
  return report;
}

}  // namespace iclora::sampling
