#include "run/foreign_config.h"

#include <algorithm>
#include <array>

#include "core/error.h"
#include "run/foreign_keys.h"

namespace iclora::run {
namespace {

constexpr const char* kUsed = "used";
constexpr const char* kNotNeeded = "not needed";
const std::string kProcess = "config.process.*.";

std::string not_supported(const std::string& why) {
  return "not supported, " + why;
}

class Translator {
 public:
  Translator(const Json& document, const std::string& origin, bool panel_given)
      : origin_(origin), panel_given_(panel_given), keys_(document) {
    const Json* processes = nullptr;
    if (document.contains("config") && document["config"].is_object() &&
        document["config"].contains("process")) {
      processes = &document["config"]["process"];
    }
    if (processes == nullptr || !processes->is_array() || processes->size() != 1) {
      fail_input(
          "{}: 'config.process' must list one training, but it lists {}; train them one at "
          "a time.",
          origin_, processes != nullptr && processes->is_array() ? processes->size() : size_t{0});
    }
    result_.document = Json::object();
  }

  Translation run() {
    check_sections();
    head();
    refuse_other_kinds();
    network();
    datasets();
    optimizer();
    ema();
    samples();
    for (ForeignKey& key : keys_.all()) by_rule(key);
    defaults();
    result_.report = keys_.report();
    return std::move(result_);
  }

 private:
  // --- keys of the file

  std::vector<ForeignKey*> find(const std::string& pattern) {
    return keys_.find(kProcess + pattern);
  }
  /// The one key of a pattern that is unique in a process; null counts as absent.
  ForeignKey* one(const std::string& pattern) {
    const auto found = find(pattern);
    return found.empty() || found[0]->value.is_null() ? nullptr : found[0];
  }
  std::string place(const ForeignKey& key) const {
    return fmt::format("{}: '{}'", origin_, printable(key.path, 400));
  }
  static std::string shown(const Json& value) {
    return printable(value.dump(-1, ' ', false, Json::error_handler_t::replace), 80);
  }

  // --- native values

  // By value: a new key moves all others of its section in memory.

  /// Null where it has none yet.
  Json native(const std::string& dotted) const {
    const Json* value = &result_.document;
    for (const std::string& part : split(dotted)) {
      const auto found = value->find(part);
      if (found == value->end()) return nullptr;
      value = &*found;
    }
    return *value;
  }

  void put(const std::string& dotted, Json native_value) {
    Json* target = &result_.document;
    for (const std::string& part : split(dotted)) target = &(*target)[part];
    *target = std::move(native_value);
  }

  static std::vector<std::string> split(const std::string& dotted) {
    std::vector<std::string> parts;
    for (size_t begin = 0; begin <= dotted.size();) {
      const size_t end = std::min(dotted.find('.', begin), dotted.size());
      parts.push_back(dotted.substr(begin, end - begin));
      begin = end + 1;
    }
    return parts;
  }

  /// Several keys may speak of the same setting, as long as they agree.
  void set(const std::string& dotted, const Json& value, ForeignKey& key) {
    const Json present = native(dotted);
    if (!present.is_null() && present != value) {
      key.verdict = not_supported(fmt::format("{} has one value, {}", dotted, shown(present)));
      return;
    }
    put(dotted, value);
    result_.places.emplace(dotted, place(key));
    key.verdict = kUsed;
  }

  void by_rule(ForeignKey& key) {
    if (!key.verdict.empty()) return;
    if (key.value.is_null()) {
      key.verdict = kNotNeeded;
      return;
    }
    if (!key.pattern.starts_with(kProcess)) {
      const bool known = key.pattern.starts_with("meta") || key.pattern == "config.device" ||
                         key.pattern == "config.log_dir";
      key.verdict = known ? kNotNeeded : not_supported("there is nothing like it here");
      return;
    }
    const ForeignRule* rule = foreign_rule(key.pattern.substr(kProcess.size()));
    if (rule == nullptr) {
      key.verdict = not_supported("there is nothing like it here");
      return;
    }
    const auto& neutral = rule->neutral;
    if (rule->always_neutral ||
        std::find(neutral.begin(), neutral.end(), key.value) != neutral.end()) {
      key.verdict = kNotNeeded;
      return;
    }
    const bool has_meaning = !rule->native.empty() || rule->convert;
    const auto value = rule->convert ? rule->convert(key.value) : std::optional<Json>(key.value);
    if (!has_meaning || !value) {
      key.verdict = not_supported(rule->why);
    } else if (rule->native.empty()) {
      key.verdict = kUsed;
    } else {
      set(rule->native, *value, key);
    }
  }

  // --- what needs more than one key

  /// A section that is something else would leave out all of its keys, and `network: lora` would
  /// train every weight.
  void check_sections() {
    for (const char* section :
         {"network", "network.network_kwargs", "save", "train", "train.ema_config",
          "train.optimizer_params", "train.lr_scheduler_params", "model", "sample", "datasets.*",
          "sample.samples.*"}) {
      for (ForeignKey* key : find(section)) {
        if (!key->value.is_null() && !key->value.is_object()) {
          fail_input("{} must be a map of keys, but it is {}.", place(*key), shown(key->value));
        }
        key->verdict =
            key->pattern.ends_with(".network") && !key->value.is_null() ? kUsed : kNotNeeded;
      }
    }
    for (const char* list : {"datasets", "sample.samples"}) {
      for (ForeignKey* key : find(list)) {
        if (!key->value.is_null() && key->value != Json::array()) {
          fail_input("{} must be a list of maps, but it is {}.", place(*key), shown(key->value));
        }
        key->verdict = kNotNeeded;
      }
    }
  }

  void head() {
    for (ForeignKey* key : keys_.find("job")) key->verdict = kUsed;
    for (ForeignKey* key : keys_.find("config.name")) {
      if (!key->value.is_null()) set("name", key->value, *key);
    }
    ForeignKey* folder = one("training_folder");
    const Json name = native("name");
    if (folder != nullptr && folder->value.is_string() && name.is_string()) {
      const auto root = folder->value.get<std::string>();
      set("out", root + (root.ends_with("/") ? "" : "/") + name.get<std::string>(), *folder);
    }
  }

  void refuse_other_kinds() {
    if (ForeignKey* type = one("type")) {
      const Json& value = type->value;
      if (value != "sd_trainer" && value != "diffusion_trainer" && value != "ui_trainer") {
        fail_input("{} is {}, but only a training (sd_trainer) can be run here.", place(*type),
                   shown(value));
      }
      type->verdict = kUsed;
    }
    for (const char* section : {"adapter", "embedding", "decorator", "slider"}) {
      if (keys_.has_section(kProcess + section)) {
        fail_input(
            "{}: 'config.process.0.{}' asks for another kind of training; only a LoRA, or "
            "every weight, can be trained here.",
            origin_, section);
      }
    }
    for (const char* other : {"is_v2", "is_v3", "is_xl", "is_pixart", "is_pixart_sigma", "is_ssd",
                              "is_auraflow", "is_lumina2", "is_vega", "is_v_pred"}) {
      ForeignKey* key = one(std::string("model.") + other);
      if (key == nullptr) continue;
      if (key->value == true) fail_other_model(*key);
      key->verdict = kNotNeeded;
    }
    ForeignKey* flux = one("model.is_flux");
    if (flux != nullptr && flux->value == true) flux->verdict = kUsed;
    if (ForeignKey* arch = one("model.arch")) {
      const std::string name = arch->value.is_string() ? arch->value.get<std::string>() : "";
      const std::string family = name.substr(0, name.find(':'));
      if (family != "flux" && family != "flex1") fail_other_model(*arch);
      arch->verdict = kUsed;
    }
  }

  [[noreturn]] void fail_other_model(const ForeignKey& key) const {
    fail_input("{} is {}, but only FLUX.1 and models like it can be trained here.", place(key),
               shown(key.value));
  }

  void network() {
    if (!keys_.has_section(kProcess + "network") && one("network") == nullptr) {
      put("lora.targets", "full");
      result_.notes.emplace_back(
          "The file names no network: every weight of the transformer is trained, as ai-toolkit "
          "does (lora.targets: full).");
      return;
    }
    if (ForeignKey* type = one("network.type")) {
      if (type->value != "lora") {
        fail_input("{} is {}, but lora is the only kind of network that can be trained here.",
                   place(*type), shown(type->value));
      }
      type->verdict = kUsed;
    }
    for (const char* key : {"network.rank", "network.linear"}) {
      if (ForeignKey* rank = one(key)) set("lora.rank", rank->value, *rank);
    }
    if (native("lora.rank").is_null()) put("lora.rank", 4);
    const Json rank = native("lora.rank");
    // For FLUX, ai-toolkit writes PEFT's layout, which forces the scale to 1.
    put("lora.alpha", rank);
    for (const char* name : {"network.linear_alpha", "network.alpha"}) {
      if (ForeignKey* alpha = one(name)) {
        alpha->verdict = alpha->value == rank
                             ? kUsed
                             : not_supported("alpha is the rank, as ai-toolkit trains FLUX");
      }
    }
    targets();
  }

  /// Parts of names of layers as regular expressions on whole names.
  void targets() {
    std::vector<std::string> only, ignored;
    const auto collect = [&](const char* name, std::vector<std::string>& parts) {
      for (const std::string section : {"network.network_kwargs.", "model."}) {
        ForeignKey* key = one(section + name);
        if (key == nullptr) continue;
        key->verdict = key->value.empty() ? kNotNeeded : kUsed;
        for (const Json& part : key->value) {
          if (!part.is_string()) fail_input("{} must be a list of texts.", place(*key));
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
    put("lora.targets", patterns);
  }

  /// ai-toolkit's names begin with "transformer."; ours do not.
  static std::string look_ahead(std::string part) {
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

  void datasets() {
    for (const char* name : {"datasets.*.folder_path", "datasets.*.dataset_path"}) {
      for (ForeignKey* key : find(name)) {
        if (key->value.is_null()) continue;
        const Json path = native("data.path");
        if (!path.is_null() && path != key->value) {
          fail_input("{} names a second folder of data, {}; put all sets into one folder.",
                     place(*key), shown(key->value));
        }
        set("data.path", key->value, *key);
      }
    }
    Json sizes = Json::array();
    for (ForeignKey* key : find("datasets.*.resolution")) {
      key->verdict = panel_given_ ? kNotNeeded : kUsed;
      for (const Json& size : key->value.is_array() ? key->value : Json::array({key->value})) {
        if (std::find(sizes.begin(), sizes.end(), size) == sizes.end()) sizes.push_back(size);
      }
      result_.places.emplace("data.resolutions", place(*key));
    }
    if (panel_given_) return;
    put("data.resolutions", sizes.empty() ? Json::array({512}) : sizes);
  }

  void optimizer() {
    ForeignKey* lr = one("train.unet_lr");
    if (lr == nullptr) lr = one("train.lr");
    if (lr != nullptr) {
      Json value = lr->value;
      if (value.is_string()) {  // "1e-4" in quotes is a number to that program
        const Json parsed = Json::parse(value.get<std::string>(), nullptr, false);
        if (parsed.is_number()) value = parsed;
      }
      set("train.learning_rate", value, *lr);
      if (ForeignKey* other = one("train.lr"); other != nullptr && other != lr) {
        other->verdict = kNotNeeded;
      }
    }
    if (ForeignKey* key = one("train.optimizer")) {
      std::string name = key->value.is_string() ? key->value.get<std::string>() : shown(key->value);
      std::transform(name.begin(), name.end(), name.begin(),
                     [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
      const bool adamw = name == "adamw" || name == "adamw8bit" || name == "adamw8";
      set("train.optimizer", adamw ? "adamw" : name, *key);
      if (!adamw) {
        key->verdict = not_supported(
            "adamw is the one optimizer; set train.optimizer and a "
            "learning rate for it");
      } else if (name != "adamw") {
        result_.notes.emplace_back("AdamW's moments are kept in fp32 rather than in 8 bits.");
      }
    }
    int64_t accumulate = 1;
    for (const char* name : {"train.gradient_accumulation_steps", "train.gradient_accumulation"}) {
      ForeignKey* key = one(name);
      if (key == nullptr) continue;
      if (!key->value.is_number_integer() || accumulate == 1) {
        put("train.accumulate", key->value);
        result_.places["train.accumulate"] = place(*key);
      }
      if (key->value.is_number_integer() && key->value > 1) accumulate = key->value.get<int64_t>();
      key->verdict = kUsed;
    }
    if (accumulate > 1) {
      result_.notes.emplace_back(
          "train.steps counts optimizer steps here, each over all accumulated micro-batches.");
    }
  }

  void ema() {
    ForeignKey* use = one("train.ema_config.use_ema");
    ForeignKey* decay = one("train.ema_config.ema_decay");
    if (use != nullptr) use->verdict = kUsed;
    if (use == nullptr || use->value != true) {
      put("train.ema", 0);
      if (decay != nullptr) decay->verdict = kNotNeeded;
    } else if (decay != nullptr) {
      set("train.ema", decay->value, *decay);
    } else {
      put("train.ema", 0.999);
    }
  }

  void samples() {
    Json prompts = Json::array();
    const ForeignKey* trigger = one("trigger_word");
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
    if (ForeignKey* list = one("sample.prompts")) {
      list->verdict = list->value.empty() ? kNotNeeded : kUsed;
      for (const Json& prompt : list->value) add(prompt);
    }
    for (ForeignKey* prompt : find("sample.samples.*.prompt")) {
      prompt->verdict = kUsed;
      add(prompt->value);
    }
    ForeignKey* disabled = one("train.disable_sampling");
    if (disabled != nullptr) disabled->verdict = kUsed;
    if (prompts.empty() || (disabled != nullptr && disabled->value == true)) {
      for (ForeignKey& key : keys_.all()) {
        if (key.pattern.starts_with(kProcess + "sample.")) key.verdict = kNotNeeded;
      }
      return;
    }
    put("sample.prompts", prompts);
  }

  /// What the file leaves out means what it means to ai-toolkit.
  void defaults() {
    std::vector<std::string> filled;
    const auto fill = [&](const char* key, const Json& value) {
      if (!native(key).is_null()) return;
      put(key, value);
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
    if (result_.document.contains("sample")) {
      fill("sample.every", 100);
      fill("sample.steps", 20);
      fill("sample.guidance", 7);
      fill("sample.seed", 0);
    }
    result_.notes.push_back(
        fmt::format("What the file leaves out has ai-toolkit's defaults: {}; --set changes them.",
                    fmt::join(filled, ", ")));
  }

  const std::string& origin_;
  bool panel_given_;
  ForeignKeys keys_;
  Translation result_;
};

}  // namespace

bool is_foreign(const Json& document) {
  return document.is_object() && document.contains("job") && document["job"] == "extension";
}

Translation translate(const Json& document, const std::string& origin, bool panel_given) {
  return Translator(document, origin, panel_given).run();
}

}  // namespace iclora::run
