#include "captions/judge.h"

#include <numeric>

#include "core/error.h"

namespace iclora::captions {
namespace {

constexpr double kBest = 10;
constexpr size_t kLongestReason = 300;

constexpr std::string_view kRole =
    "You judge sets of pictures that a text-to-image model has made. You are strict: full marks "
    "are "
    "for a set without any fault. You answer with one JSON object and nothing else.";

Json mark_schema() {
  return {{"type", "number"}, {"minimum", 0}, {"maximum", kBest}};
}

/// A mark from 0 to 10 -> 0 to 1.
std::optional<double> mark_of(const Json& value) {
  if (!value.is_number()) return std::nullopt;
  const auto mark = value.get<double>();
  if (!(mark >= 0 && mark <= kBest)) return std::nullopt;
  return mark / kBest;
}

std::optional<double> mark_in(const Json& object, const char* key, std::string& fault) {
  const auto found = object.find(key);
  const auto mark = found == object.end() ? std::nullopt : mark_of(*found);
  if (!mark) fault = fmt::format("\"{}\" is no number from 0 to 10.", key);
  return mark;
}

std::optional<Verdict> verdict_of(const Json& object, size_t panels, std::string& fault) {
  Verdict out;
  const auto adherence = object.find("adherence");
  if (adherence == object.end() || !adherence->is_array() || adherence->size() != panels) {
    fault = fmt::format("\"adherence\" is no list of {} number{}.", panels, panels == 1 ? "" : "s");
    return std::nullopt;
  }
  for (const Json& value : *adherence) {
    const auto mark = mark_of(value);
    if (!mark) {
      fault = "\"adherence\" holds something that is no number from 0 to 10.";
      return std::nullopt;
    }
    out.adherence.push_back(*mark);
  }
  if (panels > 1) {
    out.consistency = mark_in(object, "consistency", fault);
    if (!out.consistency) return std::nullopt;
  }
  const auto quality = mark_in(object, "quality", fault);
  if (!quality) return std::nullopt;
  out.quality = *quality;
  const auto reason = object.find("reason");
  if (reason != object.end() && reason->is_string()) {
    out.reason = printable(squeeze(reason->get<std::string>()), kLongestReason);
  }
  return out;
}

}  // namespace

double Verdict::score() const {
  const double shown = adherence.empty()
                           ? 0
                           : std::accumulate(adherence.begin(), adherence.end(), 0.0) /
                                 static_cast<double>(adherence.size());
  return consistency ? (shown + *consistency + quality) / 3 : (shown + quality) / 2;
}

std::string instruction(const JudgeQuestion& question) {
  const size_t count = question.panels.size();
  std::string text;
  if (count == 1) {
    text = fmt::format("This picture was made from the caption: {}\n", squeeze(question.caption));
  } else {
    text = fmt::format("These {} panels were made as one set, in {} row{} and {} column{}", count,
                       question.grid.rows, question.grid.rows == 1 ? "" : "s",
                       question.grid.columns, question.grid.columns == 1 ? "" : "s");
    const std::string caption = squeeze(question.caption);
    text += caption.empty() ? ".\n" : ", from the caption: " + caption + "\n";
    for (size_t i = 0; i < question.parts.size(); ++i) {
      text += fmt::format("Panel {} is to show: {}\n", i + 1, squeeze(question.parts[i]));
    }
  }
  if (!question.hint.empty()) text += "Also heed: " + squeeze(question.hint) + "\n";
  text += fmt::format(
      "Give marks from 0 (wrong) to 10 (without any fault):\n- \"adherence\": {} number{}, whether "
      "{} shows what it is to show;\n",
      count, count == 1 ? "" : "s", count == 1 ? "it" : "each panel, in their order,");
  if (count > 1) {
    text +=
        "- \"consistency\": whether what belongs to all panels (the same person or thing, style, "
        "palette, lettering) is the same in all of them, and what should differ does; copies of "
        "one picture get 0;\n";
  }
  text +=
      "- \"quality\": whether it is cleanly drawn, nothing broken, blurred or run together at the "
      "borders.\n\"reason\": one short sentence.\nAnswer with JSON: {\"reason\": \"...\", "
      "\"adherence\": [...], ";
  if (count > 1) text += "\"consistency\": ..., ";
  return text + "\"quality\": ...}";
}

Json verdict_schema(size_t panels) {
  Json properties = {
      {"reason", {{"type", "string"}}},
      {"adherence",
       {{"type", "array"}, {"items", mark_schema()}, {"minItems", panels}, {"maxItems", panels}}}};
  if (panels > 1) properties["consistency"] = mark_schema();
  properties["quality"] = mark_schema();
  Json required = Json::array();
  for (const auto& [name, schema] : properties.items()) required.push_back(name);
  return {{"type", "object"},
          {"properties", properties},
          {"required", required},
          {"additionalProperties", false}};
}

Json request_body(const JudgeQuestion& question, const std::string& model, const Dialogue& dialogue,
                  const std::vector<Refused>& refused) {
  Json parts = set_parts(question.panels, question.canvas);
  parts.push_back(text_part(instruction(question)));
  return chat_body({std::string(kRole), parts, "verdict", verdict_schema(question.panels.size())},
                   model, dialogue, refused);
}

ReadVerdict read_verdict(std::string_view said, size_t panels) {
  ReadVerdict out;
  const std::vector<Json> objects = objects_in(said);
  // Models that think aloud come to their answer last.
  for (auto object = objects.rbegin(); object != objects.rend(); ++object) {
    if (!object->contains("adherence") && !object->contains("quality")) continue;
    out.verdict = verdict_of(*object, panels, out.fault);
    return out;
  }
  out.fault = objects.empty() ? "there is no JSON object in it."
                              : "its JSON object has no \"adherence\" and no \"quality\".";
  return out;
}

Judgement Judge::judge(const JudgeQuestion& question) {
  Judgement out;
  const Asker::Result result = asker_.ask(
      [&](const Dialogue& dialogue, const std::vector<Refused>& refused) {
        return request_body(question, endpoint().model, dialogue, refused);
      },
      [&](std::string_view body) {
        Completion completion = read_chat(body);
        if (!completion.content) return Asker::Reading{"", completion.fault};
        ReadVerdict read = read_verdict(*completion.content, question.panels.size());
        out.verdict = std::move(read.verdict);
        if (out.verdict) return Asker::Reading{};
        return Asker::Reading{std::move(*completion.content),
                              completion.fault.empty() ? read.fault : completion.fault};
      },
      "verdict");
  out.fault = result.fault;
  return out;
}

}  // namespace iclora::captions
