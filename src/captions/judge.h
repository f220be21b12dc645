#pragma once
// Asks a vision model how well a generated set is what its caption says.

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "captions/asker.h"
#include "captions/chat.h"
#include "captions/joint_caption.h"

namespace iclora::captions {

/// A set that was generated.
struct JudgeQuestion {
  GridSize grid;                       ///< of the panels on the canvas
  std::vector<EncodedPicture> panels;  ///< in reading order
  std::vector<EncodedPicture> canvas;  ///< one; none for a set of one panel
  std::string caption;                 ///< of the whole set
  std::vector<std::string> parts;      ///< what each panel is to show; none where that is not said
  std::string hint;                    ///< what else matters; may be empty
};

/// Each from 0 to 1.
struct Verdict {
  std::vector<double> adherence;      ///< a panel: whether it shows what its part says
  std::optional<double> consistency;  ///< whether what should be the same is; several panels only
  double quality = 0;                 ///< clean pictures, nothing broken or run together
  std::string reason;                 ///< what the model says of it

  /// The mean of consistency, quality and the mean adherence.
  double score() const;
};

/// What the model is told beside the pictures.
std::string instruction(const JudgeQuestion& question);
/// {"adherence": [0..10 a panel], "consistency": 0..10, "quality": 0..10, "reason": "..."};
/// of a single panel without "consistency".
Json verdict_schema(size_t panels);
Json request_body(const JudgeQuestion& question, const std::string& model, const Dialogue& dialogue,
                  const std::vector<Refused>& refused);

/// Reads what the model wrote: the last JSON object that has marks. Nothing here trusts it.
struct ReadVerdict {
  std::optional<Verdict> verdict;
  std::string fault;  ///< one sentence, where there is none
};
ReadVerdict read_verdict(std::string_view said, size_t panels);

/// A verdict, or why there is none.
struct Judgement {
  std::optional<Verdict> verdict;
  std::string fault;  ///< one sentence
};

class Judge {
 public:
  Judge(Endpoint endpoint, Patience patience, Asker::Post post, Asker::Pause pause)
      : asker_(std::move(endpoint), patience, std::move(post), std::move(pause)) {}

  /// Throws what Asker::ask throws.
  Judgement judge(const JudgeQuestion& question);

  const Endpoint& endpoint() const { return asker_.endpoint(); }

 private:
  Asker asker_;
};

}  // namespace iclora::captions
