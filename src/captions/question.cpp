#include "captions/question.h"

#include <algorithm>

#include "core/error.h"
#include "core/hash.h"

namespace iclora::captions {
namespace {

/// The start says what is written: it changes when equal questions are to get other answers.
constexpr std::string_view kVersion = "iclora joint caption 1";

constexpr std::string_view kRole =
    "You write captions that a text-to-image model is trained on. You say what can be seen, in "
    "plain English sentences, exactly and without praise. You answer with one JSON object and "
    "nothing else.";

/// Words for the overall text and for each panel. The overall text may be twice as long as a part.
std::pair<int64_t, int64_t> word_shares(const Question& question) {
  const auto panels = static_cast<int64_t>(question.panels.size());
  const int64_t part = std::max<int64_t>(8, question.words / (panels + 2));
  return {std::min<int64_t>(2 * part, 60), part};
}

/// What the user wants heeded, one line each.
std::string wishes(const Question& question) {
  std::string text;
  if (!question.task.empty())
    text += "\nAll sets of this kind are: " + squeeze(question.task) + ".";
  if (!question.hint.empty()) text += "\nAlso heed: " + squeeze(question.hint);
  return text;
}

}  // namespace

std::string instruction(const Question& question) {
  const auto [overall, part] = word_shares(question);
  const size_t count = question.panels.size();
  if (count == 1) {
    return fmt::format(
        "Describe this picture in at most {} words: what is shown, where, in which style "
        "and colours.{}\nDo not write \"the image shows\", no list, no word in square "
        "brackets.\nAnswer with JSON: {{\"overall\": \"...\"}}",
        question.words, wishes(question));
  }
  return fmt::format(
      "These {0} panels belong together; the canvas shows them in {1} row{2} and {3} column{4}, "
      "in reading order. Write one joint caption:\n"
      "- \"overall\": one or two sentences, at most {5} words, about the whole set: what the "
      "panels "
      "have in common (subject, place, style, palette) and how they relate or go on.\n"
      "- \"panels\": exactly {0} texts in the order of the panels, at most {6} words each: what "
      "this panel shows, so that it could be drawn from its text and the overall text.\n"
      "Call the same person or thing by the same words everywhere; give a person who stands in "
      "several panels one invented first name in angle brackets, such as <Anna>, in the overall "
      "text too. Do not number the panels, do not write \"the image shows\", no list, no word in "
      "square brackets.{7}\n"
      "Answer with JSON: {{\"overall\": \"...\", \"panels\": [{0} texts]}}",
      count, question.grid.rows, question.grid.rows == 1 ? "" : "s", question.grid.columns,
      question.grid.columns == 1 ? "" : "s", overall, part, wishes(question));
}

Json answer_schema(size_t panels) {
  const Json text = {{"type", "string"}};
  Json properties = {{"overall", text}};
  Json required = Json::array({"overall"});
  if (panels > 1) {
    properties["panels"] = {
        {"type", "array"}, {"items", text}, {"minItems", panels}, {"maxItems", panels}};
    required.push_back("panels");
  }
  return {{"type", "object"},
          {"properties", properties},
          {"required", required},
          {"additionalProperties", false}};
}

Json request_body(const Question& question, const std::string& model, const Dialogue& dialogue,
                  const std::vector<Refused>& refused) {
  Json parts = set_parts(question.panels, question.canvas);
  parts.push_back(text_part(instruction(question)));
  return chat_body(
      {std::string(kRole), parts, "joint_caption", answer_schema(question.panels.size())}, model,
      dialogue, refused);
}

std::string question_key(const Question& question, const std::string& model,
                         const std::string& base) {
  Sha256 digest;
  // Each piece with its length: no two questions run together into one text.
  const auto add = [&](std::string_view piece) {
    digest.update(fmt::format("{}\n", piece.size()));
    digest.update(piece);
  };
  add(kVersion);
  add(base);
  add(model);
  add(kRole);
  add(instruction(question));
  for (const auto* list : {&question.panels, &question.canvas}) {
    for (const EncodedPicture& picture : *list) {
      add(picture.type);
      add(picture.bytes);
    }
  }
  return digest.hex();
}

}  // namespace iclora::captions
