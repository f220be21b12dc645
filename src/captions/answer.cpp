#include "captions/answer.h"

#include <algorithm>
#include <cctype>
#include <vector>

#include "captions/lint.h"
#include "core/error.h"
#include "core/json.h"

namespace iclora::captions {
namespace {

constexpr size_t kLongestPiece = 4000;  // bytes; a text encoder reads 512 tokens
constexpr size_t kMostObjects = 64;     // that are looked at in one answer

/// What parses strictly, and no exception for what does not.
std::optional<Json> parsed(std::string_view text) {
  try {
    return parse_json(text, "the answer");
  } catch (const Error&) {
    return std::nullopt;
  }
}

/// The end of the object that begins at `at`, by its braces; npos where it does not end.
size_t end_of_object(std::string_view text, size_t at) {
  int depth = 0;
  bool quoted = false;
  for (size_t i = at; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\') ++i;
      if (c == '"') quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '{') {
      ++depth;
    } else if (c == '}' && --depth == 0) {
      return i + 1;
    }
  }
  return std::string_view::npos;
}

/// JSON objects that stand in a text, in order, those inside others left out.
std::vector<Json> objects_in(std::string_view text) {
  std::vector<Json> found;
  size_t looked = 0;
  for (size_t at = text.find('{'); at != std::string_view::npos && looked < kMostObjects;
       at = text.find('{', at)) {
    ++looked;
    const size_t end = end_of_object(text, at);
    auto object = end == std::string_view::npos ? std::nullopt : parsed(text.substr(at, end - at));
    at = object ? end : at + 1;
    if (object) found.push_back(std::move(*object));
  }
  return found;
}

/// A text, or an object that holds nothing but one, which some models make of a part.
std::optional<std::string> part_text(const Json& part) {
  if (part.is_string()) return squeeze(part.get<std::string>());
  if (part.is_object() && part.size() == 1 && part.front().is_string()) {
    return squeeze(part.front().get<std::string>());
  }
  return std::nullopt;
}

/// The members that were asked for -> a caption, not checked yet.
std::optional<JointCaption> caption_of(const Json& object, size_t panels, std::string& fault) {
  const auto overall = object.find("overall");
  if (overall == object.end() || !overall->is_string()) {
    fault = "the object has no text \"overall\".";
    return std::nullopt;
  }
  JointCaption caption;
  caption.overall = squeeze(overall->get<std::string>());
  if (panels == 1) return caption;
  const auto parts = object.find("panels");
  if (parts == object.end() || !parts->is_array()) {
    fault = "the object has no list \"panels\".";
    return std::nullopt;
  }
  for (const Json& part : *parts) {
    const auto text = part_text(part);
    if (!text) {
      fault = "\"panels\" holds something that is no text.";
      return std::nullopt;
    }
    caption.panels.push_back(*text);
  }
  return caption;
}

std::string name_of_piece(size_t piece) {
  return piece == 0 ? "the overall text" : fmt::format("the text of panel {}", piece);
}

std::optional<std::string> check_piece(const std::string& text, size_t piece) {
  const std::string name = name_of_piece(piece);
  if (text.empty()) return name + " is empty.";
  if (text.size() > kLongestPiece) return fmt::format("{} has {} bytes.", name, text.size());
  const bool control = std::any_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
  });
  if (control) return name + " holds control characters.";
  // "...", "string": what stands in the question as a placeholder.
  const bool letters = std::any_of(text.begin(), text.end(), [](char c) {
    return std::isalpha(static_cast<unsigned char>(c)) != 0 ||
           (static_cast<unsigned char>(c) & 0x80);
  });
  if (!letters) return name + " has no words.";
  return std::nullopt;
}

int64_t words_in(const std::string& text) {
  return static_cast<int64_t>(std::count(text.begin(), text.end(), ' ')) + 1;
}

/// The text of a message: a string, or a list of parts of which some are text.
std::string content_of(const Json& message) {
  const auto content = message.find("content");
  if (content == message.end()) return "";
  if (content->is_string()) return content->get<std::string>();
  std::string text;
  if (!content->is_array()) return text;
  for (const Json& part : *content) {
    const auto piece = part.is_object() ? part.find("text") : part.end();
    if (part.is_object() && piece != part.end() && piece->is_string()) {
      text += piece->get<std::string>();
    }
  }
  return text;
}

std::string string_member(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

/// choices[0], if it is there and has a message.
const Json* first_choice(const Json& completion) {
  if (!completion.is_object() || !completion.contains("choices")) return nullptr;
  const Json& choices = completion.at("choices");
  if (!choices.is_array() || choices.empty() || !choices[0].is_object()) return nullptr;
  const auto message = choices[0].find("message");
  return message != choices[0].end() && message->is_object() ? &choices[0] : nullptr;
}

}  // namespace

std::optional<std::string> check_caption(const JointCaption& caption, const Expected& expected) {
  const size_t parts = expected.panels > 1 ? expected.panels : 0;
  if (caption.panels.size() != parts) {
    return fmt::format("\"panels\" has {} texts, but there are {} panels.", caption.panels.size(),
                       expected.panels);
  }
  if (auto fault = check_piece(caption.overall, 0)) return fault;
  int64_t words = words_in(caption.overall);
  for (size_t i = 0; i < parts; ++i) {
    if (auto fault = check_piece(caption.panels[i], i + 1)) return fault;
    words += words_in(caption.panels[i]);
  }
  if (words > expected.words) {
    return fmt::format("the caption has {} words; {} are the most.", words, expected.words);
  }
  const auto markers = lint_inner_markers(caption);
  if (!markers.empty()) {
    return fmt::format("{} Leave words in square brackets out.", markers[0].what);
  }
  // Whoever reads the rendered text has to find the same pieces again.
  const std::string text = render(caption, expected.dialect);
  const auto faults = lint_markers(text);
  if (std::any_of(faults.begin(), faults.end(), [](const Fault& fault) { return fault.severe; })) {
    return fmt::format("{} Leave words in square brackets out.", faults[0].what);
  }
  if (parse(text).caption != caption) {
    return "a piece holds words in square brackets; leave those out.";
  }
  return std::nullopt;
}

Answer read_answer(std::string_view said, const Expected& expected) {
  Answer answer;
  answer.said = std::string(said);
  const std::vector<Json> objects = objects_in(said);
  // Models that think aloud come to their answer last.
  for (auto object = objects.rbegin(); object != objects.rend(); ++object) {
    if (!object->contains("overall") && !object->contains("panels")) continue;
    auto caption = caption_of(*object, expected.panels, answer.fault);
    if (!caption) return answer;
    if (const auto fault = check_caption(*caption, expected)) {
      answer.fault = *fault;
      return answer;
    }
    answer.caption = std::move(*caption);
    return answer;
  }
  answer.fault = objects.empty() ? "there is no JSON object in it."
                                 : "its JSON object has no \"overall\" and no \"panels\".";
  return answer;
}

Answer read_completion(std::string_view body, const Expected& expected) {
  Answer answer;
  const auto json = parsed(body);
  const Json* choice = json ? first_choice(*json) : nullptr;
  if (choice == nullptr) {
    answer.fault =
        fmt::format("the endpoint's answer is no chat completion: {}.", error_message(body));
    return answer;
  }
  const Json& message = choice->at("message");
  const std::string refusal = string_member(message, "refusal");
  const std::string content = content_of(message);
  answer = read_answer(content, expected);
  if (answer.caption) return answer;
  if (!refusal.empty()) {
    answer.fault = fmt::format("the model refuses: {}.", printable(refusal, 200));
  } else if (string_member(*choice, "finish_reason") == "length") {
    answer.fault = "the answer was cut off before its end; be shorter.";
  } else if (content.empty()) {
    answer.fault = "the answer is empty.";
  }
  return answer;
}

std::string error_message(std::string_view body) {
  constexpr size_t kLongest = 300;
  std::string text;
  const auto json = parsed(body);
  if (json && json->is_object()) {
    const auto error = json->find("error");
    if (error != json->end() && error->is_object()) text = string_member(*error, "message");
    if (error != json->end() && error->is_string()) text = error->get<std::string>();
    if (text.empty()) text = string_member(*json, "message");
    if (text.empty() && json->contains("detail")) {
      const Json& detail = (*json)["detail"];
      text = detail.is_string() ? detail.get<std::string>() : detail.dump();
    }
  }
  if (text.empty()) {
    const std::string start = squeeze(body.substr(0, 2 * kLongest));
    if (start.empty()) return "it is empty";
    return fmt::format("it begins '{}'", printable(start, 120));
  }
  text = squeeze(text);
  while (text.ends_with('.')) text.pop_back();
  return printable(text, kLongest);
}

}  // namespace iclora::captions
