#include "captions/answer_cache.h"

#include "core/error.h"
#include "core/file.h"
#include "core/json.h"

namespace iclora::captions {

namespace fs = std::filesystem;

fs::path AnswerCache::file_of(const std::string& key) const {
  return folder_ / key.substr(0, 2) / (key + ".json");
}

std::optional<JointCaption> AnswerCache::find(const std::string& key) const {
  constexpr uint64_t kLargest = uint64_t{1} << 20;
  std::error_code ignored;
  if (folder_.empty() || !fs::exists(file_of(key), ignored)) return std::nullopt;
  try {
    const Json json = read_json(file_of(key), kLargest);
    JointCaption caption;
    caption.overall = json.at("overall").get<std::string>();
    caption.panels = json.at("panels").get<std::vector<std::string>>();
    return caption;
  } catch (const Error&) {
    return std::nullopt;
  } catch (const Json::exception&) {
    return std::nullopt;
  }
}

void AnswerCache::keep(const std::string& key, const JointCaption& caption) const {
  if (folder_.empty()) return;
  const fs::path file = file_of(key);
  create_folders(file.parent_path());
  const Json json = {{"overall", caption.overall}, {"panels", caption.panels}};
  write_file(file, json.dump() + "\n");
}

}  // namespace iclora::captions
