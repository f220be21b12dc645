#pragma once
// What a caption of flux-mini's world asks of each panel, for the classifier: what captions call
// its classes, found in the text. No labels are needed, and none are as sure: what the classifier
// has no phrase for is not looked for, and a phrase that several columns know ("cat": a picture of
// one, a mark) counts as read in any of them.

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "captions/joint_caption.h"
#include "eval/classifier.h"

namespace iclora::eval {

/// What captions call a class.
struct ClassPhrase {
  std::string phrase;  ///< words with single spaces
  size_t column = 0;
  int64_t index = 0;
};
/// Those of words.json beside the classifier's file, {"version": 1, "words": {COLUMN: {CLASS:
/// [PHRASE]}}} (tools/world/draw words); without it, the classes' names. Error (exit 2) for a
/// words.json of another form; columns and classes that the classifier lacks are passed over.
std::vector<ClassPhrase> class_phrases(const Classifier& classifier,
                                       const std::filesystem::path& file);

/// Column and class; any of them will do.
struct AskedWord {
  std::string word;
  std::vector<std::pair<size_t, int64_t>> readings;
  bool operator==(const AskedWord&) const = default;
};

/// One list a panel. A word in a panel's own part is asked of it. A word in another panel's part,
/// or in the overall text, is asked of it too where its own part says nothing in these columns:
/// what one part tells and another leaves open, the panels share.
std::vector<std::vector<AskedWord>> asked_words(const std::vector<ClassPhrase>& phrases,
                                                const captions::JointCaption& caption,
                                                size_t panels);

/// How likely the panel shows each of its words, from 0 to 1, mean over all words of all panels;
/// `logits`: of classify(), one row a panel. At least one word is asked of some panel.
double words_read(const Classifier& classifier, const std::vector<std::vector<AskedWord>>& asked,
                  const at::Tensor& logits);

}  // namespace iclora::eval
