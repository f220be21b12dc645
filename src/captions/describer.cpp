#include "captions/describer.h"

namespace iclora::captions {

Description Describer::describe(const Question& question, const Expected& expected) {
  Description out;
  const Asker::Result result = asker_.ask(
      [&](const Dialogue& dialogue, const std::vector<Refused>& refused) {
        return request_body(question, endpoint().model, dialogue, refused);
      },
      [&](std::string_view body) {
        Answer answer = read_completion(body, expected);
        out.caption = std::move(answer.caption);
        return Asker::Reading{std::move(answer.said), out.caption ? "" : std::move(answer.fault)};
      },
      "caption");
  out.fault = result.fault;
  out.no_answer = result.no_answer;
  return out;
}

}  // namespace iclora::captions
