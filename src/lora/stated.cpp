#include "lora/stated.h"

namespace iclora::lora {
namespace {

const Json* member(const Json* json, const char* key) {
  if (json == nullptr || !json->is_object()) return nullptr;
  const auto found = json->find(key);
  return found == json->end() ? nullptr : &*found;
}

const Json* metadata(const AdapterFile& adapter) {
  return adapter.iclora ? &*adapter.iclora : nullptr;
}

}  // namespace

std::optional<std::string> stated(const AdapterFile& adapter, const char* key) {
  const Json* text = member(metadata(adapter), key);
  if (text == nullptr || !text->is_string()) return std::nullopt;
  auto value = text->get<std::string>();
  return value.empty() ? std::nullopt : std::optional(std::move(value));
}

const Json* stated_training(const AdapterFile& adapter, const char* key) {
  return member(member(metadata(adapter), "training"), key);
}

std::optional<GivenTraining> given_training(const AdapterFile& adapter) {
  const Json* share = stated_training(adapter, "conditional");
  if (share == nullptr || !share->is_number() || share->get<double>() <= 0) return std::nullopt;
  const auto is = [&](const char* key, const char* value) {
    const Json* found = stated_training(adapter, key);
    return found != nullptr && *found == value;
  };
  const bool at_zero = is("given_timestep", "zero");
  return GivenTraining{at_zero, at_zero && is("given_sees", "given")};
}

}  // namespace iclora::lora
