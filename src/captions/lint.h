#pragma once
// What is probably wrong with a joint caption: markers, parts, names, length.

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "captions/joint_caption.h"

namespace iclora::captions {

struct Fault {
  bool severe = true;  ///< the caption will not be understood as meant; else only a suspicion
  std::string what;    ///< one sentence
  std::string remedy;  ///< one sentence
};

/// Markers as they stand in a text: complete, in order, each once, of one dialect, spelled as they
/// must be. No fault for a text without any.
std::vector<Fault> lint_markers(std::string_view text);

/// A caption in pieces: an overall text and one part a panel, none empty. `panels`: of the set. A
/// caption of a single panel is ordinary text.
std::vector<Fault> lint_pieces(const JointCaption& caption, size_t panels);

/// Pieces that stand apart (not in one text) and hold markers of their own: once rendered, nobody
/// could tell them from those between the pieces.
std::vector<Fault> lint_inner_markers(const JointCaption& caption);

/// Placeholders such as <Anna>, which bind a person across panels: each is closed, spelled in one
/// way, never without its brackets, and where the overall text introduces names, the parts use no
/// others.
std::vector<Fault> lint_names(const JointCaption& caption);

/// The rendered caption against the text encoder's limit, the end mark included.
std::vector<Fault> lint_length(std::string_view rendered, int64_t limit,
                               const std::function<int64_t(std::string_view)>& count_tokens);

}  // namespace iclora::captions
