#include "captions/answer.h"

#include <algorithm>
#include <cctype>
#include <vector>

#include "captions/chat.h"
#include "captions/lint.h"
#include "core/error.h"
#include "core/json.h"

namespace iclora::captions {
namespace {

constexpr size_t kLongestPiece = 4000;  // bytes; a text encoder reads 512 tokens

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
  const Completion completion = read_chat(body);
  Answer answer;
  if (completion.content) answer = read_answer(*completion.content, expected);
  if (!answer.caption && !completion.fault.empty()) answer.fault = completion.fault;
  return answer;
}

}  // namespace iclora::captions
