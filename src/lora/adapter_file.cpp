#include "lora/adapter_file.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <stdexcept>
#include <string_view>

#include "core/error.h"
#include "core/pattern.h"

namespace iclora::lora {
namespace {

using weights::Dtype;
using weights::StoredTensor;

constexpr std::string_view kPrefix = "transformer.";

struct Halves {
  const StoredTensor* a = nullptr;
  const StoredTensor* b = nullptr;
  const StoredTensor* alpha = nullptr;
};

/// "transformer.x.lora_A.weight" -> ("x", 'A'); nothing when the key is of another kind.
struct KeyParts {
  std::string module;
  enum Half { a, b, alpha } half = a;
};

std::optional<KeyParts> split_key(std::string_view key) {
  if (!key.starts_with(kPrefix)) return std::nullopt;
  key.remove_prefix(kPrefix.size());
  constexpr std::pair<std::string_view, KeyParts::Half> kSuffixes[] = {
      {".lora_A.weight", KeyParts::a},
      {".lora_B.weight", KeyParts::b},
      {".lora_A.default.weight", KeyParts::a},
      {".lora_B.default.weight", KeyParts::b},
      {".alpha", KeyParts::alpha}};
  for (const auto& [suffix, half] : kSuffixes) {
    if (key.ends_with(suffix) && key.size() > suffix.size()) {
      return KeyParts{std::string(key.substr(0, key.size() - suffix.size())), half};
    }
  }
  return std::nullopt;
}

/// A number stored as one element.
double scalar(const StoredTensor& tensor, const std::string& origin) {
  const auto bits = [&]<typename T>(T) {
    T value;
    std::memcpy(&value, tensor.bytes.data(), sizeof value);
    return value;
  };
  if (tensor.shape.empty() || tensor.shape == std::vector<int64_t>{1}) {
    if (tensor.dtype == Dtype::f32) return bits(float{});
    if (tensor.dtype == Dtype::f64) return bits(double{});
    if (tensor.dtype == Dtype::i64) return static_cast<double>(bits(int64_t{}));
    if (tensor.dtype == Dtype::bf16) {
      return std::bit_cast<float>(static_cast<uint32_t>(bits(uint16_t{})) << 16);
    }
    if (tensor.dtype == Dtype::f16) {
      const uint16_t half = bits(uint16_t{});
      const int exponent = half >> 10 & 31;
      const double mantissa = (half & 1023) / 1024.0;
      const double magnitude =
          exponent == 0 ? std::ldexp(mantissa, -14) : std::ldexp(1 + mantissa, exponent - 15);
      if (exponent == 31) return std::nan("");
      return (half >> 15) != 0 ? -magnitude : magnitude;
    }
  }
  fail_input("{}: '{}' must hold one number (float or integer).", printable(origin),
             printable(tensor.name));
}

/// PEFT's own settings, as far as they decide the scale (LoraConfig of peft 0.21).
class PeftScale {
 public:
  PeftScale(const std::map<std::string, std::string>& metadata, const std::string& origin)
      : origin_(origin) {
    const auto found = metadata.find("lora_adapter_metadata");
    if (found == metadata.end()) return;
    config_ = parse_json(found->second, origin + ": lora_adapter_metadata");
    if (config_.is_object()) read_alphas();
  }

  double of(const std::string& module, int64_t rank) const {
    if (!config_.is_object() || !config_.contains("transformer.lora_alpha")) return 1.0;
    const double alpha =
        own_alpha(module).value_or(json_number(config_, "transformer.lora_alpha", origin_));
    const bool stabilised = json_bool_or(config_, "transformer.use_rslora", origin_, false);
    return alpha / (stabilised ? std::sqrt(static_cast<double>(rank)) : static_cast<double>(rank));
  }

 private:
  static constexpr const char* kTable = "transformer.alpha_pattern";

  /// A module's own alpha. As PEFT has it, a key of the table is a regular expression of the whole
  /// name, or of what follows a dot in it; the first that fits counts.
  struct Alpha {
    std::string key;
    std::optional<Pattern> pattern;  ///< none of a plain name
    double value = 0;
  };

  void read_alphas() {
    const auto found = config_.find(kTable);
    if (found == config_.end() || !found->is_object()) return;
    for (const auto& [key, value] : found->items()) {
      if (!value.is_number()) continue;
      Alpha alpha{key, std::nullopt, value.get<double>()};
      if (key.find_first_of("^$*+?()[]{}|\\") != std::string::npos) {
        try {
          alpha.pattern.emplace("(?:.*\\.)?(?:" + key + ")");
        } catch (const std::invalid_argument& error) {
          fail_input(
              "{}: '{}' of {} is no regular expression that can be used here ({}), so the scale "
              "is not known; write the names of the modules instead.",
              printable(origin_), printable(key), kTable, error.what());
        }
      }
      alphas_.push_back(std::move(alpha));
    }
  }

  std::optional<double> own_alpha(const std::string& module) const {
    for (const Alpha& alpha : alphas_) {
      const bool fits = module == alpha.key || module.ends_with("." + alpha.key) ||
                        (alpha.pattern && alpha.pattern->matches(module));
      if (fits) return alpha.value;
    }
    return std::nullopt;
  }

  std::string origin_;
  Json config_;
  std::vector<Alpha> alphas_;
};

Pair make_pair(const std::string& module, const Halves& halves, const PeftScale& peft,
               const std::string& origin) {
  if (halves.a == nullptr || halves.b == nullptr) {
    const bool a_missing = halves.a == nullptr;
    fail_input(
        "{}: '{}' has its half of the pair, but lora_{} is missing; the file is incomplete.",
        printable(origin),
        printable((a_missing ? (halves.b != nullptr ? halves.b : halves.alpha) : halves.a)->name),
        a_missing ? "A" : "B");
  }
  for (const StoredTensor* half : {halves.a, halves.b}) {
    if (half->shape.size() != 2 || half->shape[0] < 1 || half->shape[1] < 1) {
      fail_input("{}: '{}' must be a matrix, but has {} axes or none of its elements.",
                 printable(origin), printable(half->name), half->shape.size());
    }
  }
  Pair pair;
  pair.module = module;
  pair.a_key = halves.a->name;
  pair.b_key = halves.b->name;
  pair.rank = halves.a->shape[0];
  pair.in_features = halves.a->shape[1];
  pair.out_features = halves.b->shape[0];
  if (halves.b->shape[1] != pair.rank) {
    fail_input("{}: '{}' has rank {}, but '{}' has rank {}; the halves do not belong together.",
               printable(origin), printable(pair.a_key), pair.rank, printable(pair.b_key),
               halves.b->shape[1]);
  }
  if (pair.rank > std::min(pair.in_features, pair.out_features)) {
    fail_input("{}: '{}' has rank {}, above its layer's size ({} x {}).", printable(origin),
               printable(pair.a_key), pair.rank, pair.out_features, pair.in_features);
  }
  pair.scale = halves.alpha != nullptr
                   ? scalar(*halves.alpha, origin) / static_cast<double>(pair.rank)
                   : peft.of(module, pair.rank);
  if (!std::isfinite(pair.scale)) {
    fail_input("{}: the scale of '{}' is not a finite number.", printable(origin),
               printable(module));
  }
  return pair;
}

}  // namespace

AdapterFile read_adapter(const std::filesystem::path& path) {
  const std::string origin = "'" + path.native() + "'";
  AdapterFile adapter;
  adapter.path = path;
  adapter.checkpoint = weights::Checkpoint::open(path);

  std::map<std::string, Halves> modules;
  for (const auto& [key, tensor] : adapter.checkpoint.tensors()) {
    const auto parts = split_key(key);
    if (!parts) {
      adapter.unknown_keys.push_back(key);
      continue;
    }
    Halves& halves = modules[parts->module];
    const StoredTensor*& slot = parts->half == KeyParts::a   ? halves.a
                                : parts->half == KeyParts::b ? halves.b
                                                             : halves.alpha;
    if (slot != nullptr) {
      fail_input("{}: '{}' and '{}' are the same half of one pair; keep one.", printable(origin),
                 printable(slot->name), printable(key));
    }
    slot = &tensor;
  }
  const PeftScale peft(adapter.checkpoint.metadata(), origin);
  for (const auto& [module, halves] : modules) {
    adapter.pairs.push_back(make_pair(module, halves, peft, origin));
  }
  if (adapter.pairs.empty()) {
    fail_input(
        "{} holds no LoRA in the diffusers layout (expected 'transformer.<module>.lora_A.weight' "
        "and 'lora_B.weight'; found {} tensors{}).",
        printable(origin), adapter.checkpoint.tensors().size(),
        adapter.unknown_keys.empty() ? std::string()
                                     : ", such as '" + printable(adapter.unknown_keys[0]) + "'");
  }
  if (const auto found = adapter.checkpoint.metadata().find("iclora");
      found != adapter.checkpoint.metadata().end()) {
    adapter.iclora = parse_json(found->second, origin + ": iclora metadata");
  }
  return adapter;
}

}  // namespace iclora::lora
