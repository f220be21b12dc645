#include "cli/inspect_report.h"

#include <algorithm>
#include <fstream>
#include <set>

#include "core/error.h"
#include "core/file.h"
#include "image/png_chunks.h"
#include "image/read.h"
#include "lora/adapter_file.h"
#include "lora/key_layouts.h"
#include "weights/model_folder.h"

namespace iclora::cli {
namespace {

namespace fs = std::filesystem;
using Tensors = std::map<std::string, weights::StoredTensor, std::less<>>;

std::string quoted(const fs::path& path) {
  return "'" + printable(path.native(), 400) + "'";
}

int64_t element_count(const std::vector<int64_t>& shape) {
  int64_t count = 1;
  for (const int64_t axis : shape) count *= axis;
  return count;
}

/// Counts that hold for any set of tensors.
Json totals(const weights::Checkpoint& checkpoint) {
  Json dtypes = Json::object();
  int64_t parameters = 0;
  for (const auto& [name, tensor] : checkpoint.tensors()) {
    const std::string dtype(weights::name_of(tensor.dtype));
    dtypes[dtype] = dtypes.value(dtype, 0) + 1;
    parameters += element_count(tensor.shape);
  }
  Json files = Json::array();
  for (const fs::path& file : checkpoint.files()) files.push_back(file.native());
  return Json{{"files", files},
              {"tensor_count", checkpoint.tensors().size()},
              {"parameters", parameters},
              {"bytes", checkpoint.byte_count()},
              {"dtypes", dtypes}};
}

Json tensor_list(const Tensors& tensors) {
  Json list = Json::object();
  // Names come once each: an ordered object would look for every one of them among all before it.
  std::vector<Json::object_t::value_type>& members = list.get_ref<Json::object_t&>();
  members.reserve(tensors.size());
  for (const auto& [name, tensor] : tensors) {
    members.emplace_back(name,
                         Json{{"dtype", weights::name_of(tensor.dtype)}, {"shape", tensor.shape}});
  }
  return list;
}

/// Metadata values that are JSON themselves are shown as such.
Json metadata_json(const std::map<std::string, std::string>& metadata) {
  Json out = Json::object();
  for (const auto& [key, value] : metadata) {
    const Json parsed = Json::parse(value, nullptr, false);
    const bool structured = parsed.is_object() || parsed.is_array();
    out[key] = structured ? parsed : Json(value);
  }
  return out;
}

bool any_name(const Tensors& tensors, std::string_view part) {
  return std::any_of(tensors.begin(), tensors.end(), [&](const auto& entry) {
    return entry.first.find(part) != std::string::npos;
  });
}

bool any_start(const Tensors& tensors, std::string_view start) {
  const auto found = tensors.lower_bound(start);
  return found != tensors.end() && found->first.starts_with(start);
}

bool any_known_half(const Tensors& tensors) {
  return std::any_of(tensors.begin(), tensors.end(),
                     [](const auto& entry) { return lora::split_key(entry.first).has_value(); });
}

bool is_lora(const Tensors& tensors) {
  for (const char* part : {".lora_A", ".lora_B", ".lora_down.", ".lora_up.", "_lora.down.",
                           "_lora.up.", ".lokr_w", ".hada_w", ".lora_linear_layer."}) {
    if (any_name(tensors, part)) return true;
  }
  return any_known_half(tensors);
}

/// Which part of a FLUX.1 model the tensors are, if any.
std::string component_of(const Tensors& tensors) {
  if (any_start(tensors, "transformer_blocks.") ||
      any_start(tensors, "single_transformer_blocks.")) {
    return "transformer";
  }
  if (any_start(tensors, "double_blocks.")) return "transformer (BFL names)";
  if (any_start(tensors, "encoder.block.")) return "text_encoder_2 (T5)";
  if (any_start(tensors, "text_model.") || any_start(tensors, "encoder.layers.")) {
    return "text_encoder (CLIP)";
  }
  if (any_start(tensors, "decoder.up_blocks.")) return "vae";
  return "none that is known";
}

/// Which modules an adapter changes, those of all blocks together.
Json lora_targets(const lora::AdapterFile& adapter) {
  std::map<std::string, Json> targets;
  for (const lora::Pair& pair : adapter.pairs) {
    const std::string pattern = name_pattern(pair.module);
    Json& target = targets[pattern];
    if (target.is_null()) {
      target = {{"module", pattern},
                {"count", 0},
                {"rank", pair.rank},
                {"in_features", pair.in_features},
                {"out_features", pair.out_features}};
    }
    target["count"] = target["count"].get<int>() + 1;
  }
  Json list = Json::array();
  for (const auto& [pattern, target] : targets) list.push_back(target);
  return list;
}

Json lora_report(const fs::path& path, const weights::Checkpoint& checkpoint) {
  Json report = {{"kind", "lora"}, {"path", path.native()}};
  report["layout"] = "unknown";
  if (any_known_half(checkpoint.tensors())) {
    const lora::AdapterFile adapter = lora::read_adapter(path);
    report["layout"] = adapter.layout;
    std::set<int64_t> ranks;
    std::set<double> scales;
    for (const lora::Pair& pair : adapter.pairs) {
      ranks.insert(pair.rank);
      scales.insert(pair.scale);
    }
    report["modules"] = adapter.pairs.size();
    report["ranks"] = ranks;
    report["scales"] = scales;
    report["targets"] = lora_targets(adapter);
    report["unmatched"] = adapter.unknown_keys;
    if (adapter.iclora) report["iclora"] = *adapter.iclora;
  }
  report.update(totals(checkpoint));
  report["metadata"] = metadata_json(checkpoint.metadata());
  report["tensors"] = tensor_list(checkpoint.tensors());
  return report;
}

Json tensors_report(const fs::path& path) {
  const weights::Checkpoint checkpoint = weights::Checkpoint::open(path);
  if (is_lora(checkpoint.tensors())) return lora_report(path, checkpoint);
  Json report = {{"kind", "tensors"},
                 {"path", path.native()},
                 {"component", component_of(checkpoint.tensors())}};
  report.update(totals(checkpoint));
  report["metadata"] = metadata_json(checkpoint.metadata());
  report["tensors"] = tensor_list(checkpoint.tensors());
  return report;
}

Json component_report(const weights::Component& component) {
  const weights::Checkpoint checkpoint = weights::Checkpoint::open(component.folder);
  Json report = totals(checkpoint);
  report["config"] = component.config;
  report["tensors"] = tensor_list(checkpoint.tensors());
  return report;
}

Json model_report(const fs::path& path) {
  const weights::ModelFolder model = weights::open_model_folder(path);
  Json report = {{"kind", "model"}, {"path", path.native()}};
  report["guidance"] = model.transformer.config.value("guidance_embeds", false);
  if (model.native_width) {
    report["native_panel"] = fmt::format("{}x{}", *model.native_width, *model.native_height);
  }
  if (model.dialect) report["dialect"] = *model.dialect;
  report["scheduler"] = model.scheduler.config;
  report["components"] = {{"transformer", component_report(model.transformer)},
                          {"text_encoder", component_report(model.text_encoder)},
                          {"text_encoder_2", component_report(model.text_encoder_2)},
                          {"vae", component_report(model.vae)}};
  return report;
}

Json picture_report(const fs::path& path) {
  const std::string bytes = read_file(path, image::kMaximumFileBytes);
  Json report = {{"kind", "picture"}, {"path", path.native()}, {"bytes", bytes.size()}};
  report.update(image::describe_image(bytes, quoted(path)));
  Json texts = Json::object();
  for (const auto& [keyword, text] : image::read_texts(path)) {
    if (keyword == "iclora") {
      report["iclora"] = parse_json(text, quoted(path) + ": iclora");
    } else {
      texts[keyword] = text;
    }
  }
  report["texts"] = texts;
  return report;
}

/// The first bytes, to tell kinds apart by content.
std::string head_of(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  std::string head(12, '\0');
  stream.read(head.data(), static_cast<std::streamsize>(head.size()));
  head.resize(static_cast<size_t>(stream.gcount()));
  return head;
}

}  // namespace

std::string name_pattern(const std::string& name) {
  std::string out;
  size_t begin = 0;
  while (begin <= name.size()) {
    size_t end = name.find('.', begin);
    if (end == std::string::npos) end = name.size();
    const std::string part = name.substr(begin, end - begin);
    const bool number = !part.empty() && part.find_first_not_of("0123456789") == std::string::npos;
    // The first number counts the blocks; later ones are positions inside one (to_out.0, net.2).
    const bool block = number && out.find('*') == std::string::npos;
    if (!out.empty() || begin > 0) out += '.';
    out += block ? "*" : part;
    begin = end + 1;
  }
  return out;
}

Json inspect_report(const fs::path& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (!fs::exists(status)) fail_input("{} does not exist; check the name", quoted(path));
  if (fs::is_directory(status)) {
    if (fs::exists(path / "model_index.json", error)) return model_report(path);
    return tensors_report(path);
  }
  if (!fs::is_regular_file(status)) {
    fail_input("{} is neither a file nor a folder (a device, a pipe or a socket).", quoted(path));
  }
  if (path.native().ends_with(".safetensors.index.json")) return tensors_report(path);
  const std::string head = head_of(path);
  if (head.starts_with(image::kPngSignature) || head.starts_with("\xFF\xD8\xFF") ||
      (head.starts_with("RIFF") && head.substr(8) == "WEBP")) {
    return picture_report(path);
  }
  // A safetensors header begins after its length; the name decides only when that is unreadable.
  if ((head.size() > 8 && head[8] == '{') || path.extension() == ".safetensors") {
    return tensors_report(path);
  }
  fail_input(
      "{} is nothing that iclora knows; expected a model folder, safetensors, or a PNG, JPEG "
      "or WebP picture",
      quoted(path));
}

}  // namespace iclora::cli
