#include "run/foreign_network.h"

#include "core/error.h"

namespace iclora::run {
namespace {

[[noreturn]] void fail_other_model(const ForeignDraft& draft, const ForeignKey& key) {
  fail_input("{} is {}, but only FLUX.1 and models like it can be trained here.", draft.place(key),
             shown(key.value));
}

/// ai-toolkit's names begin with "transformer."; ours do not.
std::string look_ahead(std::string part) {
  constexpr std::string_view kRoot = "transformer.";
  const bool from_the_start = part.starts_with(kRoot);
  if (from_the_start) part.erase(0, kRoot.size());
  std::string escaped = from_the_start ? "" : ".*";
  for (const char c : part) {
    if (std::string_view("\\^$.|?*+()[]{}").find(c) != std::string_view::npos) escaped += '\\';
    escaped += c;
  }
  return escaped;
}

/// Parts of names of layers as regular expressions on whole names.
void targets(ForeignDraft& draft) {
  std::vector<std::string> only, ignored;
  const auto collect = [&](const char* name, std::vector<std::string>& parts) {
    for (const std::string section : {"network.network_kwargs.", "model."}) {
      ForeignKey* key = draft.one(section + name);
      if (key == nullptr) continue;
      key->verdict = key->value.empty() ? kKeyNotNeeded : kKeyUsed;
      for (const Json& part : key->value) {
        if (!part.is_string()) fail_input("{} must be a list of texts.", draft.place(*key));
        parts.push_back(look_ahead(part.get<std::string>()));
      }
    }
  };
  collect("only_if_contains", only);
  collect("ignore_if_contains", ignored);
  if (only.empty() && ignored.empty()) return;
  std::string without;
  for (const std::string& part : ignored) without += "(?!" + part + ")";
  if (only.empty()) only.emplace_back("");
  Json patterns = Json::array();
  for (const std::string& part : only) {
    patterns.push_back(fmt::format("{}{}(single_)?transformer_blocks\\..*", without,
                                   part.empty() ? "" : fmt::format("(?={})", part)));
  }
  draft.put("lora.targets", patterns);
}

}  // namespace

void refuse_other_kinds(ForeignDraft& draft) {
  if (ForeignKey* type = draft.one("type")) {
    const Json& value = type->value;
    if (value != "sd_trainer" && value != "diffusion_trainer" && value != "ui_trainer") {
      fail_input("{} is {}, but only a training (sd_trainer) can be run here.", draft.place(*type),
                 shown(value));
    }
    type->verdict = kKeyUsed;
  }
  for (const char* section : {"adapter", "embedding", "decorator", "slider"}) {
    if (draft.has_section(section)) {
      fail_input(
          "{}: 'config.process.0.{}' asks for another kind of training; only a LoRA, or "
          "every weight, can be trained here.",
          draft.origin(), section);
    }
  }
  for (const char* other : {"is_v2", "is_v3", "is_xl", "is_pixart", "is_pixart_sigma", "is_ssd",
                            "is_auraflow", "is_lumina2", "is_vega", "is_v_pred"}) {
    ForeignKey* key = draft.one(std::string("model.") + other);
    if (key == nullptr) continue;
    if (key->value == true) fail_other_model(draft, *key);
    key->verdict = kKeyNotNeeded;
  }
  ForeignKey* flux = draft.one("model.is_flux");
  if (flux != nullptr && flux->value == true) flux->verdict = kKeyUsed;
  if (ForeignKey* arch = draft.one("model.arch")) {
    const std::string name = arch->value.is_string() ? arch->value.get<std::string>() : "";
    const std::string family = name.substr(0, name.find(':'));
    if (family != "flux" && family != "flex1") fail_other_model(draft, *arch);
    arch->verdict = kKeyUsed;
  }
}

void translate_network(ForeignDraft& draft) {
  if (!draft.has_section("network") && draft.one("network") == nullptr) {
    draft.put("lora.targets", "full");
    draft.note(
        "The file names no network: every weight of the transformer is trained, as ai-toolkit "
        "does (lora.targets: full).");
    return;
  }
  if (ForeignKey* type = draft.one("network.type")) {
    if (type->value != "lora") {
      fail_input("{} is {}, but lora is the only kind of network that can be trained here.",
                 draft.place(*type), shown(type->value));
    }
    type->verdict = kKeyUsed;
  }
  for (const char* key : {"network.rank", "network.linear"}) {
    if (ForeignKey* rank = draft.one(key)) draft.put("lora.rank", rank->value, *rank);
  }
  if (draft.native("lora.rank").is_null()) draft.put("lora.rank", 4);
  const Json rank = draft.native("lora.rank");
  // For FLUX, ai-toolkit writes PEFT's layout, which forces the scale to 1.
  draft.put("lora.alpha", rank);
  for (const char* name : {"network.linear_alpha", "network.alpha"}) {
    if (ForeignKey* alpha = draft.one(name)) {
      alpha->verdict = alpha->value == rank
                           ? kKeyUsed
                           : key_not_supported("alpha is the rank, as ai-toolkit trains FLUX");
    }
  }
  targets(draft);
}

}  // namespace iclora::run
