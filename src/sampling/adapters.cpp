#include "sampling/adapters.h"

#include <ATen/ATen.h>

#include <map>

#include "core/error.h"
#include "runtime/file_weights.h"

namespace iclora::sampling {
namespace {

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

}  // namespace

AttachReport match_adapter(flux::Transformer& transformer, const lora::AdapterFile& adapter) {
  const auto layers = layers_by_name(transformer);
  AttachReport report;
  report.unmatched = adapter.unknown_keys;
  for (const lora::Pair& pair : adapter.pairs) {
    const auto found = layers.find(pair.module);
    if (found == layers.end()) {
      report.unmatched.push_back(pair.a_key);
      report.unmatched.push_back(pair.b_key);
    } else if (found->second->in_features() != pair.in_features ||
               found->second->out_features() != pair.out_features) {
      report.incompatible.push_back(
          fmt::format("{} (the adapter is for {} -> {}, the model has {} -> {})",
                      printable(pair.module), pair.in_features, pair.out_features,
                      found->second->in_features(), found->second->out_features()));
    } else {
      report.matched.push_back(pair.module);
    }
  }
  return report;
}

AttachReport attach_adapter(flux::Transformer& transformer, const lora::AdapterFile& adapter,
                            double strength, bool allow_unmatched) {
  const std::string origin = "'" + printable(adapter.path.native(), 400) + "'";
  AttachReport report = match_adapter(transformer, adapter);
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
  const auto layers = layers_by_name(transformer);
  runtime::FileWeights source(adapter.checkpoint);
  for (const lora::Pair& pair : adapter.pairs) {
    const auto found = layers.find(pair.module);
    if (found == layers.end()) continue;
    nn::Linear& layer = *found->second;
    const auto half = [&](const std::string& key, const std::vector<int64_t>& shape) {
      const at::Tensor values = source.get(key, shape, at::kFloat);
      if (!at::isfinite(values).all().item<bool>()) {
        fail_input("{}: '{}' holds values that are not finite numbers; the file is damaged.",
                   origin, printable(key));
      }
      return values.to(layer.weight.scalar_type());
    };
    layer.adapters.push_back({half(pair.a_key, {pair.rank, pair.in_features}),
                              half(pair.b_key, {pair.out_features, pair.rank}),
                              pair.scale * strength});
  }
  return report;
}

}  // namespace iclora::sampling
