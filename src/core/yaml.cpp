#include "core/yaml.h"

#include <yaml-cpp/yaml.h>

#include <charconv>
#include <cmath>

#include "core/error.h"
#include "core/file.h"

namespace iclora {
namespace {

constexpr int kMaximumDepth = 64;
constexpr int64_t kMaximumNodes = 200'000;

class Converter {
 public:
  explicit Converter(const std::string& origin) : origin_(origin) {}

  Json convert(const YAML::Node& node, int depth) {
    if (depth > kMaximumDepth || ++nodes_ > kMaximumNodes) {
      fail_input("{} line {}: the document is too large or nested too deeply.", origin_,
                 line(node));
    }
    switch (node.Type()) {
      case YAML::NodeType::Map:
        return map(node, depth);
      case YAML::NodeType::Sequence: {
        Json list = Json::array();
        for (const YAML::Node& entry : node) list.push_back(convert(entry, depth + 1));
        return list;
      }
      case YAML::NodeType::Scalar:
        return scalar(node);
      default:
        return nullptr;
    }
  }

 private:
  static int line(const YAML::Node& node) { return node.Mark().line + 1; }

  Json map(const YAML::Node& node, int depth) {
    Json object = Json::object();
    for (const auto& entry : node) {
      if (!entry.first.IsScalar()) {
        fail_input("{} line {}: a key must be a plain text.", origin_, line(entry.first));
      }
      const std::string& key = entry.first.Scalar();
      if (object.contains(key)) {
        fail_input("{} line {}: the key '{}' stands twice; keep one.", origin_, line(entry.first),
                   printable(key));
      }
      object[key] = convert(entry.second, depth + 1);
    }
    return object;
  }

  Json scalar(const YAML::Node& node) {
    const std::string& text = node.Scalar();
    if (node.Tag() == "!") return text;  // quoted
    if (text == "true" || text == "True") return true;
    if (text == "false" || text == "False") return false;
    if (text == "null" || text == "~" || text.empty()) return nullptr;
    const char* const begin = text.data();
    const char* const end = begin + text.size();
    int64_t whole = 0;
    if (const auto [rest, error] = std::from_chars(begin, end, whole);
        error == std::errc() && rest == end) {
      return whole;
    }
    double number = 0;
    if (const auto [rest, error] = std::from_chars(begin, end, number);
        error == std::errc() && rest == end && std::isfinite(number)) {
      return number;
    }
    return text;
  }

  const std::string& origin_;
  int64_t nodes_ = 0;
};

}  // namespace

Json parse_yaml(const std::string& text, const std::string& origin) {
  try {
    const std::vector<YAML::Node> documents = YAML::LoadAll(text);
    if (documents.size() != 1) {
      fail_input("{} must hold one YAML document, but holds {}.", origin, documents.size());
    }
    return Converter(origin).convert(documents[0], 0);
  } catch (const YAML::Exception& error) {
    fail_input("{} line {}: this is not valid YAML ({}).", origin, error.mark.line + 1,
               printable(error.msg));
  }
}

Json read_yaml(const std::filesystem::path& path) {
  return parse_yaml(read_file(path, 4 << 20), "'" + printable(path.native(), 400) + "'");
}

}  // namespace iclora
