#pragma once
// What a vision model is asked: the pictures of one set, and the joint caption that is wanted.

#include <cstdint>
#include <string>
#include <vector>

#include "captions/chat.h"
#include "captions/joint_caption.h"
#include "core/json.h"

namespace iclora::captions {

struct Question {
  GridSize grid;                       ///< of the panels on the canvas
  std::vector<EncodedPicture> panels;  ///< in reading order
  std::vector<EncodedPicture> canvas;  ///< one; none for a set of one panel
  std::string task;                    ///< what sets of this kind have in common; may be empty
  std::string hint;                    ///< what else to heed; may be empty
  int64_t words = 250;                 ///< that the whole caption may have, about
};

/// What the model is told beside the pictures, the same for all sets of as many panels.
std::string instruction(const Question& question);

/// The JSON schema of an answer: {"overall": "...", "panels": ["...", ...]}; of a set of one panel
/// {"overall": "..."}.
Json answer_schema(size_t panels);

/// The body of POST /chat/completions.
Json request_body(const Question& question, const std::string& model, const Dialogue& dialogue,
                  const std::vector<Refused>& refused);

/// 64 hexadecimal digits: equal for equal pictures, instruction, model and address. `base`: of the
/// endpoint.
std::string question_key(const Question& question, const std::string& model,
                         const std::string& base);

}  // namespace iclora::captions
