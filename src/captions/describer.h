#pragma once
// Asks a vision model for a set's joint caption.

#include <optional>
#include <string>
#include <utility>

#include "captions/answer.h"
#include "captions/asker.h"
#include "captions/question.h"

namespace iclora::captions {

/// A set's caption, or why it has none.
struct Description {
  std::optional<JointCaption> caption;
  std::string fault;       ///< one sentence
  bool no_answer = false;  ///< the endpoint did not answer at all, rather than badly
};

class Describer {
 public:
  using Post = Asker::Post;
  using Pause = Asker::Pause;

  Describer(Endpoint endpoint, Patience patience, Post post, Pause pause)
      : asker_(std::move(endpoint), patience, std::move(post), std::move(pause)) {}

  /// Any thread may call it; throws what Asker::ask throws.
  Description describe(const Question& question, const Expected& expected);

  const Endpoint& endpoint() const { return asker_.endpoint(); }

 private:
  Asker asker_;
};

}  // namespace iclora::captions
