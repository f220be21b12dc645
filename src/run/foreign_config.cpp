#include "run/foreign_config.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "core/error.h"
#include "run/foreign_draft.h"
#include "run/foreign_network.h"

namespace iclora::run {
namespace {

/// A section that is something else would leave out all of its keys, and `network: lora` would
/// train every weight.
void check_sections(ForeignDraft& draft) {
  for (const char* section :
       {"network", "network.network_kwargs", "save", "train", "train.ema_config",
        "train.optimizer_params", "train.lr_scheduler_params", "model", "sample", "datasets.*",
        "sample.samples.*"}) {
    for (ForeignKey* key : draft.find(section)) {
      if (!key->value.is_null() && !key->value.is_object()) {
        fail_input("{} must be a map of keys, but it is {}.", draft.place(*key), shown(key->value));
      }
      key->verdict =
          key->pattern.ends_with(".network") && !key->value.is_null() ? kKeyUsed : kKeyNotNeeded;
    }
  }
  for (const char* list : {"datasets", "sample.samples"}) {
    for (ForeignKey* key : draft.find(list)) {
      if (!key->value.is_null() && key->value != Json::array()) {
        fail_input("{} must be a list of maps, but it is {}.", draft.place(*key),
                   shown(key->value));
      }
      key->verdict = kKeyNotNeeded;
    }
  }
}

void head(ForeignDraft& draft) {
  for (ForeignKey* key : draft.find_whole("job")) key->verdict = kKeyUsed;
  for (ForeignKey* key : draft.find_whole("config.name")) {
    if (!key->value.is_null()) draft.put("name", key->value, *key);
  }
  ForeignKey* folder = draft.one("training_folder");
  const Json name = draft.native("name");
  if (folder != nullptr && folder->value.is_string() && name.is_string()) {
    const auto root = folder->value.get<std::string>();
    draft.put("out", root + (root.ends_with('/') ? "" : "/") + name.get<std::string>(), *folder);
  }
}

void datasets(ForeignDraft& draft, bool panel_given) {
  for (const char* name : {"datasets.*.folder_path", "datasets.*.dataset_path"}) {
    for (ForeignKey* key : draft.find(name)) {
      if (key->value.is_null()) continue;
      const Json path = draft.native("data.path");
      if (!path.is_null() && path != key->value) {
        fail_input("{} names a second folder of data, {}; put all sets into one folder.",
                   draft.place(*key), shown(key->value));
      }
      draft.put("data.path", key->value, *key);
    }
  }
  Json sizes = Json::array();
  for (ForeignKey* key : draft.find("datasets.*.resolution")) {
    key->verdict = panel_given ? kKeyNotNeeded : kKeyUsed;
    for (const Json& size : key->value.is_array() ? key->value : Json::array({key->value})) {
      if (std::find(sizes.begin(), sizes.end(), size) == sizes.end()) sizes.push_back(size);
    }
    draft.put_place("data.resolutions", *key);
  }
  if (panel_given) return;
  draft.put("data.resolutions", sizes.empty() ? Json::array({512}) : sizes);
}

void optimizer(ForeignDraft& draft) {
  ForeignKey* lr = draft.one("train.unet_lr");
  if (lr == nullptr) lr = draft.one("train.lr");
  if (lr != nullptr) {
    Json value = lr->value;
    if (value.is_string()) {  // "1e-4" in quotes is a number to that program
      const Json parsed = Json::parse(value.get<std::string>(), nullptr, false);
      if (parsed.is_number()) value = parsed;
    }
    draft.put("train.learning_rate", value, *lr);
    if (ForeignKey* other = draft.one("train.lr"); other != nullptr && other != lr) {
      other->verdict = kKeyNotNeeded;
    }
  }
  if (ForeignKey* key = draft.one("train.optimizer")) {
    std::string name = key->value.is_string() ? key->value.get<std::string>() : shown(key->value);
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    const bool adamw = name == "adamw" || name == "adamw8bit" || name == "adamw8";
    draft.put("train.optimizer", adamw ? "adamw" : name, *key);
    if (!adamw) {
      key->verdict = key_not_supported(
          "adamw is the one optimizer; set train.optimizer and a "
          "learning rate for it");
    } else if (name != "adamw") {
      draft.note("AdamW's moments are kept in fp32 rather than in 8 bits.");
    }
  }
  int64_t accumulate = 1;
  for (const char* name : {"train.gradient_accumulation_steps", "train.gradient_accumulation"}) {
    ForeignKey* key = draft.one(name);
    if (key == nullptr) continue;
    if (!key->value.is_number_integer() || accumulate == 1) {
      draft.put("train.accumulate", key->value);
      draft.put_place("train.accumulate", *key, /*again=*/true);
    }
    if (key->value.is_number_integer() && key->value > 1) accumulate = key->value.get<int64_t>();
    key->verdict = kKeyUsed;
  }
  if (accumulate > 1) {
    draft.note("train.steps counts optimizer steps here, each over all accumulated micro-batches.");
  }
}

void ema(ForeignDraft& draft) {
  ForeignKey* use = draft.one("train.ema_config.use_ema");
  ForeignKey* decay = draft.one("train.ema_config.ema_decay");
  if (use != nullptr) use->verdict = kKeyUsed;
  if (use == nullptr || use->value != true) {
    draft.put("train.ema", 0);
    if (decay != nullptr) decay->verdict = kKeyNotNeeded;
  } else if (decay != nullptr) {
    draft.put("train.ema", decay->value, *decay);
  } else {
    draft.put("train.ema", 0.999);
  }
}

void samples(ForeignDraft& draft) {
  Json prompts = Json::array();
  const ForeignKey* trigger = draft.one("trigger_word");
  const auto add = [&](const Json& prompt) {
    std::string text = prompt.is_string() ? prompt.get<std::string>() : shown(prompt);
    const std::string word =
        trigger != nullptr && trigger->value.is_string() ? trigger->value.get<std::string>() : "";
    constexpr std::string_view kMark = "[trigger]";
    for (size_t at = text.find(kMark); !word.empty() && at != std::string::npos;
         at = text.find(kMark, at + word.size())) {
      text.replace(at, kMark.size(), word);
    }
    prompts.push_back(text);
  };
  if (ForeignKey* list = draft.one("sample.prompts")) {
    list->verdict = list->value.empty() ? kKeyNotNeeded : kKeyUsed;
    for (const Json& prompt : list->value) add(prompt);
  }
  for (ForeignKey* prompt : draft.find("sample.samples.*.prompt")) {
    prompt->verdict = kKeyUsed;
    add(prompt->value);
  }
  ForeignKey* disabled = draft.one("train.disable_sampling");
  if (disabled != nullptr) disabled->verdict = kKeyUsed;
  if (prompts.empty() || (disabled != nullptr && disabled->value == true)) {
    draft.leave_out("sample");
    return;
  }
  draft.put("sample.prompts", prompts);
}

/// What the file leaves out means what it means to ai-toolkit.
void defaults(ForeignDraft& draft) {
  std::vector<std::string> filled;
  const auto fill = [&](const char* key, const Json& value) {
    if (!draft.native(key).is_null()) return;
    draft.put(key, value);
    filled.push_back(fmt::format("{} {}", key, shown(value)));
  };
  fill("train.steps", 1000);
  fill("train.batch", 1);
  fill("train.learning_rate", 1e-6);
  fill("train.eps", 1e-6);
  fill("train.weight_decay", 0.01);
  fill("train.clip", 1.0);
  fill("train.dtype", "fp32");
  fill("train.caption_dropout", 0);
  fill("train.checkpointing", "on");
  fill("save.every", 1000);
  fill("save.keep", 5);
  fill("save.dtype", "fp16");
  if (!draft.native("sample").is_null()) {
    fill("sample.every", 100);
    fill("sample.steps", 20);
    fill("sample.guidance", 7);
    fill("sample.seed", 0);
  }
  draft.note(
      fmt::format("What the file leaves out has ai-toolkit's defaults: {}; --set changes them.",
                  fmt::join(filled, ", ")));
}

}  // namespace

bool is_foreign(const Json& document) {
  return document.is_object() && document.contains("job") && document["job"] == "extension";
}

Translation translate(const Json& document, const std::string& origin, bool panel_given) {
  ForeignDraft draft(document, origin);
  check_sections(draft);
  head(draft);
  refuse_other_kinds(draft);
  translate_network(draft);
  datasets(draft, panel_given);
  optimizer(draft);
  ema(draft);
  samples(draft);
  draft.by_rules();
  defaults(draft);
  return draft.finish();
}

}  // namespace iclora::run
