#include "lora/adapter_file.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <stdexcept>
#include <string_view>

#include "core/error.h"
#include "core/pattern.h"
#include "lora/key_layouts.h"
#include "weights/floats.h"

namespace iclora::lora {
namespace {

using weights::Dtype;
using weights::StoredTensor;

struct Halves {
  const StoredTensor* a = nullptr;
  const StoredTensor* b = nullptr;
  const StoredTensor* alpha = nullptr;
};

/// A number stored as one element.
double scalar(const StoredTensor& tensor, const std::string& origin) {
  if (tensor.shape.empty() || tensor.shape == std::vector<int64_t>{1}) {
    if (tensor.dtype == Dtype::i64) {
      int64_t value = 0;
      std::memcpy(&value, tensor.bytes.data(), sizeof value);
      return static_cast<double>(value);
    }
    for (const Dtype dtype : {Dtype::f32, Dtype::f64, Dtype::f16, Dtype::bf16}) {
      if (tensor.dtype == dtype) return weights::to_floats(tensor)[0];
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

/// Whether all elements of columns [begin, end) in rows [row, row + rows) are zero, of either sign.
bool is_zero(const StoredTensor& matrix, int64_t row, int64_t rows, int64_t begin, int64_t end) {
  const auto size = static_cast<int64_t>(weights::size_of(matrix.dtype));
  const int64_t columns = matrix.shape[1];
  for (int64_t r = row; r < row + rows; ++r) {
    const auto bytes = matrix.bytes.subspan(static_cast<size_t>((r * columns + begin) * size),
                                            static_cast<size_t>((end - begin) * size));
    for (size_t i = 0; i < bytes.size(); ++i) {
      // Little-endian floats: the sign is the first bit of the last byte.
      const bool last = (i + 1) % static_cast<size_t>(size) == 0;
      if ((bytes[i] & std::byte{static_cast<uint8_t>(last ? 0x7f : 0xff)}) != std::byte{0}) {
        return false;
      }
    }
  }
  return true;
}

/// Whether each part's rows of B have values in that part's share of the columns alone.
bool parts_stand_apart(const StoredTensor& b, const std::vector<Part>& parts) {
  const auto count = static_cast<int64_t>(parts.size());
  const int64_t rank = b.shape[1];
  if (count < 2 || rank % count != 0) return false;
  const int64_t share = rank / count;
  for (int64_t i = 0; i < count; ++i) {
    const Part& part = parts[static_cast<size_t>(i)];
    if (!is_zero(b, part.row, part.rows, 0, i * share) ||
        !is_zero(b, part.row, part.rows, (i + 1) * share, rank)) {
      return false;
    }
  }
  return true;
}

void check_halves(const Halves& halves, const std::string& origin) {
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
  const int64_t rank = halves.a->shape[0], in = halves.a->shape[1], out = halves.b->shape[0];
  if (halves.b->shape[1] != rank) {
    fail_input("{}: '{}' has rank {}, but '{}' has rank {}; the halves do not belong together.",
               printable(origin), printable(halves.a->name), rank, printable(halves.b->name),
               halves.b->shape[1]);
  }
  if (rank > std::min(in, out)) {
    fail_input("{}: '{}' has rank {}, above its layer's size ({} x {}).", printable(origin),
               printable(halves.a->name), rank, out, in);
  }
}

std::vector<Pair> make_pairs(const std::string& module, const Halves& halves, const PeftScale& peft,
                             const std::string& origin) {
  check_halves(halves, origin);
  const int64_t rank = halves.a->shape[0], in = halves.a->shape[1], out = halves.b->shape[0];
  const double scale = halves.alpha != nullptr
                           ? scalar(*halves.alpha, origin) / static_cast<double>(rank)
                           : peft.of(module, rank);
  if (!std::isfinite(scale)) {
    fail_input("{}: the scale of '{}' is not a finite number.", printable(origin),
               printable(module));
  }
  const std::vector<Part> parts = parts_of(module, in, out);
  if (parts.empty()) {
    fail_input("{}: '{}' has {} rows, which are no queries, keys and values of layers {} wide.",
               printable(origin), printable(halves.b->name), out, in);
  }
  const bool apart = parts_stand_apart(*halves.b, parts);
  const int64_t share = apart ? rank / static_cast<int64_t>(parts.size()) : rank;
  std::vector<Pair> pairs;
  for (const Part& part : parts) {
    const int64_t begin = apart ? share * static_cast<int64_t>(pairs.size()) : 0;
    pairs.push_back({part.module,
                     {halves.a->name, begin, share, 0, in},
                     {halves.b->name, part.row, part.rows, begin, share, part.halves_swapped},
                     share,
                     in,
                     part.rows,
                     scale});
  }
  return pairs;
}

/// Ordered by module, each of which is there once.
void sort_pairs(std::vector<Pair>& pairs, const std::string& origin) {
  std::sort(pairs.begin(), pairs.end(),
            [](const Pair& a, const Pair& b) { return a.module < b.module; });
  const auto twice =
      std::adjacent_find(pairs.begin(), pairs.end(),
                         [](const Pair& a, const Pair& b) { return a.module == b.module; });
  if (twice != pairs.end()) {
    fail_input("{}: '{}' and '{}' are both for '{}'; keep one.", printable(origin),
               printable(twice->a.key), printable(std::next(twice)->a.key),
               printable(twice->module));
  }
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
    if (adapter.layout.empty()) adapter.layout = parts->layout;
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
    for (Pair& pair : make_pairs(module, halves, peft, origin)) {
      adapter.pairs.push_back(std::move(pair));
    }
  }
  sort_pairs(adapter.pairs, origin);
  if (adapter.pairs.empty()) {
    fail_input(
        "{} holds no LoRA of a FLUX.1 transformer (expected pairs such as "
        "'transformer.<module>.lora_A.weight' and 'lora_B.weight'; found {} tensors{}).",
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
