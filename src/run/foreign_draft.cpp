#include "run/foreign_draft.h"

#include <algorithm>

#include "core/error.h"

namespace iclora::run {
namespace {

const std::string kProcess = "config.process.*.";

std::vector<std::string> split(const std::string& dotted) {
  std::vector<std::string> parts;
  for (size_t begin = 0; begin <= dotted.size();) {
    const size_t end = std::min(dotted.find('.', begin), dotted.size());
    parts.push_back(dotted.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

}  // namespace

std::string key_not_supported(const std::string& why) {
  return "not supported, " + why;
}

std::string shown(const Json& value) {
  return printable(value.dump(-1, ' ', false, Json::error_handler_t::replace), 80);
}

ForeignDraft::ForeignDraft(const Json& document, const std::string& origin)
    : origin_(origin), keys_(document) {
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

std::vector<ForeignKey*> ForeignDraft::find(const std::string& pattern) {
  return keys_.find(kProcess + pattern);
}

ForeignKey* ForeignDraft::one(const std::string& pattern) {
  const auto found = find(pattern);
  return found.empty() || found[0]->value.is_null() ? nullptr : found[0];
}

bool ForeignDraft::has_section(const std::string& pattern) const {
  return keys_.has_section(kProcess + pattern);
}

void ForeignDraft::leave_out(const std::string& section) {
  for (ForeignKey& key : keys_.all()) {
    if (key.pattern.starts_with(kProcess + section + ".")) key.verdict = kKeyNotNeeded;
  }
}

std::string ForeignDraft::place(const ForeignKey& key) const {
  return fmt::format("{}: '{}'", origin_, printable(key.path, 400));
}

Json ForeignDraft::native(const std::string& dotted) const {
  const Json* value = &result_.document;
  for (const std::string& part : split(dotted)) {
    const auto found = value->find(part);
    if (found == value->end()) return nullptr;
    value = &*found;
  }
  return *value;
}

void ForeignDraft::put(const std::string& dotted, Json value) {
  Json* target = &result_.document;
  for (const std::string& part : split(dotted)) target = &(*target)[part];
  *target = std::move(value);
}

void ForeignDraft::put(const std::string& dotted, const Json& value, ForeignKey& key) {
  const Json present = native(dotted);
  if (!present.is_null() && present != value) {
    key.verdict = key_not_supported(fmt::format("{} has one value, {}", dotted, shown(present)));
    return;
  }
  put(dotted, value);
  put_place(dotted, key);
  key.verdict = kKeyUsed;
}

void ForeignDraft::put_place(const std::string& dotted, const ForeignKey& key, bool again) {
  const auto [entry, inserted] = result_.places.emplace(dotted, place(key));
  if (!inserted && again) entry->second = place(key);
}

void ForeignDraft::by_rule(ForeignKey& key) {
  if (!key.verdict.empty()) return;
  if (key.value.is_null()) {
    key.verdict = kKeyNotNeeded;
    return;
  }
  if (!key.pattern.starts_with(kProcess)) {
    const bool known = key.pattern.starts_with("meta") || key.pattern == "config.device" ||
                       key.pattern == "config.log_dir";
    key.verdict = known ? kKeyNotNeeded : key_not_supported("there is nothing like it here");
    return;
  }
  const ForeignRule* rule = foreign_rule(key.pattern.substr(kProcess.size()));
  if (rule == nullptr) {
    key.verdict = key_not_supported("there is nothing like it here");
    return;
  }
  const auto& neutral = rule->neutral;
  if (rule->always_neutral ||
      std::find(neutral.begin(), neutral.end(), key.value) != neutral.end()) {
    key.verdict = kKeyNotNeeded;
    return;
  }
  const bool has_meaning = !rule->native.empty() || rule->convert;
  const auto value = rule->convert ? rule->convert(key.value) : std::optional<Json>(key.value);
  if (!has_meaning || !value) {
    key.verdict = key_not_supported(rule->why);
  } else if (rule->native.empty()) {
    key.verdict = kKeyUsed;
  } else {
    put(rule->native, *value, key);
  }
}

void ForeignDraft::by_rules() {
  for (ForeignKey& key : keys_.all()) by_rule(key);
}

Translation ForeignDraft::finish() {
  result_.report = keys_.report();
  return std::move(result_);
}

}  // namespace iclora::run
