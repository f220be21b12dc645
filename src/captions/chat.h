#pragma once
// The form of a chat completion with pictures: what is sent, and what comes back.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.h"

namespace iclora::captions {

/// A picture as it is sent.
struct EncodedPicture {
  std::string type;  ///< "image/jpeg", "image/png"
  std::string bytes;
};

/// An answer that could not be used, and why: said to the model when it is asked again.
struct Refused {
  std::string said;
  std::string why;
};

/// What differs between endpoints.
struct Dialogue {
  bool schema = true;  ///< whether `response_format` is understood
  /// The name of the limit on an answer's length; empty: none is sent.
  std::string limit = "max_tokens";
};

/// Parts of a message.
Json text_part(const std::string& text);
Json picture_part(const EncodedPicture& picture);
/// Every panel with its number, then the canvas where there is one: how a set is shown.
Json set_parts(const std::vector<EncodedPicture>& panels,
               const std::vector<EncodedPicture>& canvas);

/// A question without what earlier answers have added to it.
struct ChatQuestion {
  std::string role;  ///< what the model is to be
  Json parts;        ///< of the user's message
  std::string name;  ///< of the answer's form
  Json schema;       ///< of the answer
};
/// The body of POST /chat/completions.
Json chat_body(const ChatQuestion& question, const std::string& model, const Dialogue& dialogue,
               const std::vector<Refused>& refused);

/// What a model has written; nothing here trusts it.
struct Completion {
  std::optional<std::string> content;  ///< none: the body is no chat completion
  std::string fault;  ///< one sentence; why content that cannot be used is so: refused, cut off,
                      ///< empty; empty where nothing of that kind is known
};
Completion read_chat(std::string_view body);

/// JSON objects that stand in a text, alone, in a fence or amid prose, in their order; those inside
/// others are left out, and so is what does not parse strictly.
std::vector<Json> objects_in(std::string_view text);

/// What an endpoint says of an error, on one line, out of the usual forms
/// ({"error": {"message": "..."}}, {"error": "..."}, {"detail": ...}); else how the body begins.
std::string error_message(std::string_view body);

}  // namespace iclora::captions
