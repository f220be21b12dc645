#include "lora/convert.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/error.h"
#include "core/hash.h"
#include "lora/key_layouts.h"
#include "weights/floats.h"
#include "weights/safetensors_writer.h"

namespace iclora::lora {
namespace {

using weights::Dtype;

/// The MLP of FLUX.1's blocks, by the width of what goes in: where a file says nothing of it.
constexpr int64_t kMlpRatio = 4;

/// Row-major.
struct Matrix {
  int64_t rows = 0, columns = 0;
  Dtype dtype = Dtype::f32;  ///< in which it is stored
  std::vector<float> values;

  float& at(int64_t row, int64_t column) {
    return values[static_cast<size_t>(row * columns + column)];
  }
  float at(int64_t row, int64_t column) const {
    return values[static_cast<size_t>(row * columns + column)];
  }
  friend bool operator==(const Matrix&, const Matrix&) = default;
};

Matrix zeros(int64_t rows, int64_t columns, Dtype dtype) {
  return {rows, columns, dtype, std::vector<float>(static_cast<size_t>(rows * columns))};
}

/// One update under its new name: W += scale * B A.
struct Update {
  Matrix a, b;
  double scale = 1.0;
};

Dtype writable(Dtype stored) {
  return stored == Dtype::f16 || stored == Dtype::bf16 ? stored : Dtype::f32;
}

/// Matrices of several dtypes make one that loses nothing.
Dtype common(Dtype a, Dtype b) {
  return a == b ? a : Dtype::f32;
}

/// What is this large has no number in F16.
constexpr float kBeyondHalf = 65520.0F;

bool fits(const Matrix& matrix, Dtype dtype) {
  return std::all_of(matrix.values.begin(), matrix.values.end(), [&](float value) {
    return std::isfinite(value) && (dtype != Dtype::f16 || std::abs(value) < kBeyondHalf);
  });
}

Matrix read_block(const AdapterFile& adapter, const Block& block) {
  weights::StoredTensor stored = *adapter.checkpoint.find(block.key);
  // The block's rows alone: the matrix may be that of several modules.
  const size_t row_bytes = stored.bytes.size() / static_cast<size_t>(stored.shape[0]);
  stored.bytes = stored.bytes.subspan(static_cast<size_t>(block.row) * row_bytes,
                                      static_cast<size_t>(block.rows) * row_bytes);
  stored.shape[0] = block.rows;
  const std::vector<float> all = weights::to_floats(stored);
  if (!std::all_of(all.begin(), all.end(), [](float value) { return std::isfinite(value); })) {
    fail_input("'{}': '{}' holds values that are not finite numbers; the file is damaged.",
               printable(adapter.path.native(), 400), printable(block.key));
  }
  Matrix out = zeros(block.rows, block.columns, writable(stored.dtype));
  for (int64_t row = 0; row < block.rows; ++row) {
    const int64_t from = block.halves_swapped ? (row + block.rows / 2) % block.rows : row;
    for (int64_t column = 0; column < block.columns; ++column) {
      const int64_t index = from * stored.shape[1] + block.column + column;
      out.at(row, column) = all[static_cast<size_t>(index)];
    }
  }
  return out;
}

Update read_pair(const AdapterFile& adapter, const Pair& pair) {
  return {read_block(adapter, pair.a), read_block(adapter, pair.b), pair.scale};
}

void scale_by(Matrix& matrix, double factor) {
  if (factor == 1.0) return;
  for (float& value : matrix.values) value = static_cast<float>(value * factor);
}

void put_rows(Matrix& into, const Matrix& rows, int64_t row, int64_t column) {
  into.dtype = common(into.dtype, rows.dtype);
  for (int64_t i = 0; i < rows.rows; ++i) {
    for (int64_t j = 0; j < rows.columns; ++j) into.at(row + i, column + j) = rows.at(i, j);
  }
}

/// The parts of one matrix of Black Forest Labs', some of which may be missing.
using Parts = std::array<const Pair*, 4>;

/// How many rows each part has.
std::vector<int64_t> rows_of(const Parts& parts, size_t count, int64_t in, int64_t mlp) {
  std::vector<int64_t> rows;
  for (size_t i = 0; i < count; ++i) {
    const int64_t missing = i == 3 ? mlp : in;
    rows.push_back(parts.at(i) != nullptr ? parts.at(i)->out_features : missing);
  }
  return rows;
}

/// Several updates as one: block-diagonal, or under one A where all have the same. Where they have
/// scales of their own, these go into B, which then is F32 if it is too large for what it was.
Update join(const AdapterFile& adapter, const Parts& parts, size_t count, int64_t mlp) {
  std::vector<std::pair<size_t, Update>> there;
  for (size_t i = 0; i < count; ++i) {
    if (parts.at(i) != nullptr) there.emplace_back(i, read_pair(adapter, *parts.at(i)));
  }
  const Update& first = there.front().second;
  const int64_t in = first.a.columns;
  const std::vector<int64_t> rows = rows_of(parts, count, in, mlp);
  const auto all_of = [&](const auto& says) {
    return std::all_of(there.begin(), there.end(),
                       [&](const auto& one) { return says(one.second); });
  };
  if (!all_of([&](const Update& one) { return one.a.columns == in; })) {
    fail_input("'{}': '{}' and its neighbours do not take the same input.",
               printable(adapter.path.native(), 400),
               printable(parts.at(there.front().first)->module));
  }
  const bool one_scale = all_of([&](const Update& one) { return one.scale == first.scale; });
  const bool one_a = one_scale && all_of([&](const Update& one) { return one.a == first.a; });
  int64_t rank = first.a.rows, out = 0;
  if (!one_a) {
    rank = 0;
    for (const auto& [part, update] : there) rank += update.a.rows;
  }
  for (const int64_t one : rows) out += one;
  Update joined{zeros(rank, in, first.a.dtype), zeros(out, rank, first.b.dtype),
                one_scale ? first.scale : 1.0};
  int64_t column = 0;
  for (auto& [part, update] : there) {
    if (!one_scale) {
      scale_by(update.b, update.scale);
      if (!fits(update.b, update.b.dtype)) update.b.dtype = Dtype::f32;
    }
    int64_t row = 0;
    for (size_t i = 0; i < part; ++i) row += rows[i];
    put_rows(joined.a, update.a, column, 0);
    put_rows(joined.b, update.b, row, column);
    if (!one_a) column += update.a.rows;
  }
  return joined;
}

/// Width of the MLP in single blocks, as far as the file tells.
int64_t mlp_width(const AdapterFile& adapter, int64_t in) {
  for (const Pair& pair : adapter.pairs) {
    if (!pair.module.starts_with("single_transformer_blocks.")) continue;
    if (pair.module.ends_with(".proj_mlp")) return pair.out_features;
    if (pair.module.ends_with(".proj_out")) return pair.in_features - pair.out_features;
  }
  return kMlpRatio * in;
}

std::map<std::string, Update> under_their_names(const AdapterFile& adapter) {
  std::map<std::string, std::pair<Parts, Place>> modules;
  for (const Pair& pair : adapter.pairs) {
    const auto place = place_of(pair.module);
    if (!place) {
      fail_input("'{}': there is no other name than diffusers' for '{}'; use --to diffusers.",
                 printable(adapter.path.native(), 400), printable(pair.module));
    }
    auto& [parts, entry] = modules.try_emplace(place->module).first->second;
    parts.at(place->part) = &pair;
    entry = *place;
  }
  std::map<std::string, Update> out;
  for (const auto& [name, module] : modules) {
    const auto& [parts, place] = module;
    if (place.parts > 1) {
      const Pair* any = *std::find_if(parts.begin(), parts.end(), [](auto* p) { return p; });
      out[name] = join(adapter, parts, place.parts, mlp_width(adapter, any->in_features));
      continue;
    }
    Pair pair = *parts[0];
    // Twice is not at all.
    pair.b.halves_swapped = pair.b.halves_swapped != place.halves_swapped;
    out[name] = read_pair(adapter, pair);
  }
  return out;
}

/// What is written, by name.
struct Tensor {
  std::vector<int64_t> shape;
  Dtype dtype = Dtype::f32;
  std::vector<std::byte> bytes;
};
using Tensors = std::map<std::string, Tensor>;

void put(Tensors& tensors, const std::string& name, const Matrix& matrix) {
  if (!fits(matrix, matrix.dtype)) {
    fail_input(
        "'{}', with its scale in it, is too large for {}; use --to kohya or comfyui, whose "
        "scale stands apart.",
        printable(name), weights::name_of(matrix.dtype));
  }
  tensors[name] = {
      {matrix.rows, matrix.columns}, matrix.dtype, weights::to_bytes(matrix.values, matrix.dtype)};
}

Tensors diffusers_tensors(const AdapterFile& adapter) {
  Tensors out;
  for (const Pair& pair : adapter.pairs) {
    Update update = read_pair(adapter, pair);
    scale_by(update.b, update.scale);
    put(out, "transformer." + pair.module + ".lora_A.weight", update.a);
    put(out, "transformer." + pair.module + ".lora_B.weight", update.b);
  }
  return out;
}

Tensors fused_tensors(const AdapterFile& adapter, Target to) {
  const bool kohya = to == Target::kohya;
  Tensors out;
  for (const auto& [module, update] : under_their_names(adapter)) {
    std::string name = (kohya ? "lora_unet_" : "diffusion_model.") + module;
    if (kohya) std::replace(name.begin(), name.end(), '.', '_');
    put(out, name + (kohya ? ".lora_down.weight" : ".lora_A.weight"), update.a);
    put(out, name + (kohya ? ".lora_up.weight" : ".lora_B.weight"), update.b);
    const auto alpha = static_cast<float>(update.scale * static_cast<double>(update.a.rows));
    out[name + ".alpha"] = {{}, Dtype::f32, weights::to_bytes(std::span(&alpha, 1), Dtype::f32)};
  }
  return out;
}

/// PEFT's settings of a file that is already scaled: alpha is the rank, of every module its own.
std::string peft_settings(const std::vector<Pair>& pairs) {
  const int64_t rank = pairs.front().rank;
  Json modules = Json::array(), others = Json::object();
  for (const Pair& pair : pairs) {
    modules.push_back(pair.module);
    if (pair.rank != rank) others[pair.module] = pair.rank;
  }
  Json settings = {{"transformer.r", rank},
                   {"transformer.lora_alpha", rank},
                   {"transformer.target_modules", modules}};
  if (!others.empty()) {
    settings["transformer.rank_pattern"] = others;
    settings["transformer.alpha_pattern"] = others;
  }
  return settings.dump();
}

std::map<std::string, std::string> metadata_of(const AdapterFile& adapter, Target to,
                                               const std::string& tensors_sha256) {
  auto out = adapter.checkpoint.metadata();
  // Of kohya's tools: hashes of the tensors as they were.
  for (const char* stale : {"lora_adapter_metadata", "sshs_model_hash", "sshs_legacy_hash"}) {
    out.erase(stale);
  }
  out["format"] = "pt";
  if (out.contains("modelspec.sai_model_spec")) {
    out["modelspec.implementation"] =
        to == Target::diffusers ? "diffusers" : "https://github.com/black-forest-labs/flux";
    out["modelspec.hash_sha256"] = "0x" + tensors_sha256;
  }
  if (to == Target::diffusers) out["lora_adapter_metadata"] = peft_settings(adapter.pairs);
  return out;
}

}  // namespace

std::optional<Target> target_from_name(std::string_view name) {
  if (name == "diffusers") return Target::diffusers;
  if (name == "kohya") return Target::kohya;
  if (name == "comfyui") return Target::comfyui;
  return std::nullopt;
}

size_t convert_adapter(const AdapterFile& adapter, Target to, const std::filesystem::path& out,
                       bool allow_unmatched) {
  if (!adapter.unknown_keys.empty() && !allow_unmatched) {
    fail_input(
        "'{}' holds tensors that are no half of a LoRA pair of FLUX.1's transformer: '{}'{}; "
        "--allow-unmatched leaves them out.",
        printable(adapter.path.native(), 400), printable(adapter.unknown_keys.front()),
        adapter.unknown_keys.size() == 1
            ? std::string()
            : fmt::format(" and {} more", adapter.unknown_keys.size() - 1));
  }
  const Tensors tensors =
      to == Target::diffusers ? diffusers_tensors(adapter) : fused_tensors(adapter, to);
  std::vector<weights::TensorHead> heads;
  Sha256 hash;
  for (const auto& [name, tensor] : tensors) {
    heads.push_back({name, tensor.dtype, tensor.shape});
    hash.update(tensor.bytes);
  }
  weights::SafetensorsWriter writer(out, heads, metadata_of(adapter, to, hash.hex()));
  for (const auto& [name, tensor] : tensors) writer.append(tensor.bytes);
  writer.commit();
  return tensors.size();
}

}  // namespace iclora::lora
