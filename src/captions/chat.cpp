#include "captions/chat.h"

#include "captions/base64.h"
#include "captions/joint_caption.h"
#include "core/error.h"

namespace iclora::captions {
namespace {

constexpr int kLongestAnswer = 4096;  // tokens; models that think first need most of them
constexpr size_t kLongestQuote = 2000;
constexpr size_t kMostObjects = 64;  // that are looked at in one answer

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

Json text_part(const std::string& text) {
  return {{"type", "text"}, {"text", text}};
}

Json picture_part(const EncodedPicture& picture) {
  const std::string url = fmt::format("data:{};base64,{}", picture.type, base64(picture.bytes));
  return {{"type", "image_url"}, {"image_url", {{"url", url}}}};
}

Json set_parts(const std::vector<EncodedPicture>& panels,
               const std::vector<EncodedPicture>& canvas) {
  Json parts = Json::array();
  const size_t count = panels.size();
  for (size_t i = 0; i < count; ++i) {
    if (count > 1) parts.push_back(text_part(fmt::format("Panel {} of {}:", i + 1, count)));
    parts.push_back(picture_part(panels[i]));
  }
  for (const EncodedPicture& one : canvas) {
    parts.push_back(text_part("The canvas, all panels together:"));
    parts.push_back(picture_part(one));
  }
  return parts;
}

Json chat_body(const ChatQuestion& question, const std::string& model, const Dialogue& dialogue,
               const std::vector<Refused>& refused) {
  Json messages = Json::array();
  messages.push_back({{"role", "system"}, {"content", question.role}});
  messages.push_back({{"role", "user"}, {"content", question.parts}});
  for (const Refused& answer : refused) {
    const std::string said =
        answer.said.empty() ? "(nothing)" : answer.said.substr(0, kLongestQuote);
    messages.push_back({{"role", "assistant"}, {"content", said}});
    messages.push_back(
        {{"role", "user"},
         {"content",
          fmt::format("That cannot be used: {} Answer again, with the JSON object alone.",
                      answer.why)}});
  }
  Json body = {{"messages", messages}, {"stream", false}};
  if (!model.empty()) body["model"] = model;
  if (!dialogue.limit.empty()) body[dialogue.limit] = kLongestAnswer;
  if (dialogue.schema) {
    body["response_format"] = {
        {"type", "json_schema"},
        {"json_schema", {{"name", question.name}, {"strict", true}, {"schema", question.schema}}}};
  }
  return body;
}

Completion read_chat(std::string_view body) {
  const auto json = parsed(body);
  const Json* choice = json ? first_choice(*json) : nullptr;
  if (choice == nullptr) {
    return {std::nullopt,
            fmt::format("the endpoint's answer is no chat completion: {}.", error_message(body))};
  }
  const Json& message = choice->at("message");
  const std::string refusal = string_member(message, "refusal");
  Completion out{content_of(message), ""};
  if (!refusal.empty()) {
    out.fault = fmt::format("the model refuses: {}.", printable(refusal, 200));
  } else if (string_member(*choice, "finish_reason") == "length") {
    out.fault = "the answer was cut off before its end; be shorter.";
  } else if (out.content->empty()) {
    out.fault = "the answer is empty.";
  }
  return out;
}

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
