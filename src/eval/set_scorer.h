#pragma once
// One number for a drawn set, to choose among candidates of one caption. Three ways:
//
//   classifier  what the caption asks of each panel, as the classifier of flux-mini's world reads
//               it (caption_words.h)
//   pixels      of any model: how much of their colours the panels share, and 0 for a set that is
//               broken in a way that pixels tell: two copies of one picture, a blank panel
//   judge       marks of a vision model (captions/judge.h)

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "captions/judge.h"
#include "core/json.h"
#include "eval/caption_words.h"
#include "eval/classifier.h"
#include "image/image.h"
#include "panels/layout.h"
#include "sampling/resolve.h"

namespace iclora::eval {

/// From 0 to 1; the higher the better.
struct SetScore {
  double value = 0;
  std::map<std::string, double> parts;  ///< what it is made of
  std::string remark;                   ///< the judge's
};

/// A score, or in `fault` one sentence why there is none.
struct Scored {
  std::optional<SetScore> score;
  std::string fault;
};
using ScoreCanvas = std::function<Scored(const image::Image& canvas)>;

struct SetScorer {
  std::string name;  ///< "classifier" | "pixels" | "judge"
  ScoreCanvas score;
};

/// A classifier and what captions call its classes.
struct WordReader {
  Classifier classifier;
  std::vector<ClassPhrase> phrases;
  std::filesystem::path file;
  /// Of the classifier and its phrases: all that its scores depend on. 64 hexadecimal digits.
  std::string sha256;
};
/// Errors (exit 2) as open_classifier and class_phrases.
std::shared_ptr<const WordReader> open_word_reader(const std::filesystem::path& file);
/// The classifier that lies beside a model's folder; none where there is none.
std::optional<std::filesystem::path> classifier_beside(const std::filesystem::path& model);

/// What is to be drawn: all that a scorer knows beside the canvas.
struct SetToScore {
  captions::JointCaption caption;  ///< in its parts; none where it has no part for each panel
  std::string text;                ///< rendered
  panels::Layout layout;
  std::filesystem::path model;  ///< the folder, beside which a classifier may lie
};
SetToScore set_to_score(const sampling::Resolved& resolved);

struct ScorerOptions {
  std::string name = "auto";  ///< or a SetScorer's
  std::optional<std::filesystem::path> classifier = {};
  captions::Judge* judge = nullptr;  ///< of "judge"; outlives the scorer
  std::string hint = {};             ///< for the judge
  /// Of many sets: the classifier, opened once; no other is looked for.
  std::shared_ptr<const WordReader> reader = {};
};

/// What scores canvases of this set. "auto" is the classifier where one was named or lies
/// beside the model, and the caption holds a word that it can read; else pixels. Errors (exit 2): a
/// classifier that is asked for and is not there or reads nothing in the caption; pixels of a
/// single panel, which has nothing to be compared with.
SetScorer make_scorer(const SetToScore& set, const ScorerOptions& options);

/// {"score", "parts": {NAME: value}, "remark"}, to four digits.
Json score_to_json(const SetScore& score);

/// `canvas` from its pixels alone, as "pixels" above; parts "colours_shared", "copies", "blank".
SetScore score_pixels(const image::Image& canvas, const panels::Layout& layout);

}  // namespace iclora::eval
