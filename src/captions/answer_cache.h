#pragma once
// Captions that a model has given, kept by what it was asked (captions/question.h): nobody is asked
// the same twice, and an interrupted run loses at most the questions that were on their way.

#include <filesystem>
#include <optional>
#include <string>

#include "captions/joint_caption.h"

namespace iclora::captions {

class AnswerCache {
 public:
  /// An empty path: nothing is kept and nothing found. The folder is made when it is needed.
  explicit AnswerCache(std::filesystem::path folder) : folder_(std::move(folder)) {}

  /// None where there is no answer, or a file that cannot be read as one. `key`: question_key.
  std::optional<JointCaption> find(const std::string& key) const;
  /// Errors of kind `output`.
  void keep(const std::string& key, const JointCaption& caption) const;

 private:
  std::filesystem::path file_of(const std::string& key) const;
  std::filesystem::path folder_;
};

}  // namespace iclora::captions
