#pragma once
// From the bytes that an endpoint answers with to a joint caption that can be used, or the reason
// why there is none. Nothing here trusts the model.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "captions/joint_caption.h"

namespace iclora::captions {

struct Answer {
  std::optional<JointCaption> caption;  ///< without a trigger; no parts for a set of one panel
  std::string said;                     ///< what the model wrote, as far as that can be told
  std::string fault;                    ///< one sentence, where there is no caption
};

struct Expected {
  size_t panels = 1;
  Dialect dialect = Dialect::scene;  ///< in which the caption is going to be rendered
  int64_t words = 375;               ///< more of them in the whole caption are refused
};

/// Reads the body of a chat completion: the JSON object that the model wrote, alone, in a fence or
/// amid prose (the last one that has the members that were asked for), checked as in check_caption.
Answer read_completion(std::string_view body, const Expected& expected);

/// The same of what the model wrote.
Answer read_answer(std::string_view said, const Expected& expected);

/// Why a caption cannot be used; none when it can: the number of parts, empty or overlong pieces,
/// control characters, markers inside the pieces, pieces that could not be told apart once
/// rendered.
std::optional<std::string> check_caption(const JointCaption& caption, const Expected& expected);

}  // namespace iclora::captions
