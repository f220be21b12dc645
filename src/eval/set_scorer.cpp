#include "eval/set_scorer.h"

#include <algorithm>
#include <cmath>
#include <memory>

#include "core/error.h"
#include "core/hash.h"
#include "dataset/caption_pictures.h"
#include "eval/estimate.h"
#include "eval/likeness.h"

namespace iclora::eval {
namespace {

namespace fs = std::filesystem;

/// A thumbnail whose values stray less than this from their mean shows nothing.
constexpr double kBlank = 0.01;
constexpr const char* kBesideModel = "classifier/classifier.safetensors";

bool is_blank(const PanelLook& look) {
  double mean = 0;
  for (const float value : look.thumbnail) mean += value;
  mean /= static_cast<double>(look.thumbnail.size());
  double stray = 0;
  for (const float value : look.thumbnail) stray += std::abs(value - mean);
  return stray / static_cast<double>(look.thumbnail.size()) < kBlank;
}

/// None where there is none, as for classifier_beside.
std::shared_ptr<const WordReader> reader_of(const SetToScore& set, const ScorerOptions& options) {
  if (options.reader) return options.reader;
  const auto file = options.classifier ? options.classifier : classifier_beside(set.model);
  return file ? open_word_reader(*file) : nullptr;
}

/// None where the caption holds no word that the classifier knows.
std::optional<ScoreCanvas> classifier_scorer(const SetToScore& set,
                                             const std::shared_ptr<const WordReader>& reader) {
  const auto asked = asked_words(reader->phrases, set.caption, set.layout.boxes.size());
  const bool any =
      std::any_of(asked.begin(), asked.end(), [](const auto& one) { return !one.empty(); });
  if (!any) return std::nullopt;
  return [reader, asked, layout = set.layout](const image::Image& canvas) {
    const Classifier& classifier = reader->classifier;
    const std::vector<image::Image> panels = panels::split(canvas, layout);
    const double read =
        words_read(classifier, asked, classify(classifier, classifier_input(panels)).logits);
    SetScore score{read, {{"words_read", read}}, ""};
    if (panels.size() > 1) {
      const SetScore pixels = score_pixels(canvas, layout);
      score.parts["copies"] = pixels.parts.at("copies");
      // The words alone would not mind two copies where parts leave everything open.
      if (pixels.parts.at("copies") > 0) score.value = 0;
    }
    return Scored{score, ""};
  };
}

ScoreCanvas judge_scorer(const SetToScore& set, const ScorerOptions& options) {
  captions::JudgeQuestion question;
  const panels::Grid& grid = set.layout.grid;
  question.grid = {grid.rows, grid.columns};
  question.caption = set.caption.panels.empty() ? set.text : set.caption.overall;
  question.parts = set.caption.panels;
  question.hint = options.hint;
  captions::Judge* judge = options.judge;
  return [question, judge, layout = set.layout](const image::Image& canvas) {
    captions::JudgeQuestion asked = question;
    for (const image::Image& panel : panels::split(canvas, layout)) {
      asked.panels.push_back(dataset::encoded_jpeg(panel, dataset::kLongestPanelEdge));
    }
    if (asked.panels.size() > 1) {
      asked.canvas.push_back(dataset::encoded_jpeg(canvas, dataset::kCanvasResolution));
    }
    captions::Judgement judgement = judge->judge(asked);
    if (!judgement.verdict) return Scored{std::nullopt, judgement.fault};
    const captions::Verdict& verdict = *judgement.verdict;
    SetScore score{verdict.score(), {{"quality", verdict.quality}}, verdict.reason};
    if (verdict.consistency) score.parts["consistency"] = *verdict.consistency;
    double shown = 0;
    for (const double one : verdict.adherence) shown += one;
    score.parts["adherence"] = shown / static_cast<double>(verdict.adherence.size());
    return Scored{score, ""};
  };
}

}  // namespace

std::shared_ptr<const WordReader> open_word_reader(const fs::path& file) {
  WordReader out{open_classifier(file), {}, file, {}};
  out.phrases = class_phrases(out.classifier, file);
  Sha256 digest;
  digest.update(out.classifier.sha256);
  for (const ClassPhrase& one : out.phrases) {
    digest.update(fmt::format("\n{} {} {}", one.column, one.index, one.phrase));
  }
  out.sha256 = digest.hex();
  return std::make_shared<const WordReader>(std::move(out));
}

std::optional<fs::path> classifier_beside(const fs::path& model) {
  std::error_code ignored;
  const fs::path folder = fs::absolute(model, ignored).lexically_normal();
  const fs::path home = folder.has_filename() ? folder : folder.parent_path();
  const fs::path beside = home.parent_path() / kBesideModel;
  return fs::exists(beside, ignored) ? std::optional(beside) : std::nullopt;
}

SetScore score_pixels(const image::Image& canvas, const panels::Layout& layout) {
  std::vector<PanelLook> looks;
  for (const image::Image& panel : panels::split(canvas, layout)) looks.push_back(look_of(panel));
  double shared = 0;
  int64_t pairs = 0;
  bool copies = false;
  for (size_t i = 0; i < looks.size(); ++i) {
    for (size_t k = i + 1; k < looks.size(); ++k) {
      shared += colours_shared(looks[i], looks[k]);
      copies = copies || apart(looks[i], looks[k]) < kCopy;
      ++pairs;
    }
  }
  const bool blank = std::any_of(looks.begin(), looks.end(), is_blank);
  if (pairs > 0) shared /= static_cast<double>(pairs);
  return {copies || blank ? 0 : shared,
          {{"colours_shared", shared}, {"copies", copies ? 1 : 0}, {"blank", blank ? 1 : 0}},
          ""};
}

SetToScore set_to_score(const sampling::Resolved& resolved) {
  const sampling::Request& request = resolved.request;
  SetToScore out{{}, resolved.joint_prompt, resolved.layout, resolved.folder.path};
  if (!request.panel_prompts.empty()) {
    out.caption = {"", request.prompt, request.panel_prompts};
  } else {
    out.caption = captions::parse(resolved.joint_prompt).caption;
    if (out.caption.panels.size() != resolved.layout.boxes.size()) {
      out.caption = {"", resolved.joint_prompt, {}};
    }
  }
  return out;
}

SetScorer make_scorer(const SetToScore& set, const ScorerOptions& options) {
  if (options.name == "judge") return {"judge", judge_scorer(set, options)};
  const bool wanted = options.name == "classifier";
  if (wanted || options.name == "auto") {
    const auto reader = reader_of(set, options);
    if (!reader && wanted) {
      fail_input(
          "No classifier lies beside the model '{}' ({}); name one with --classifier FILE, or "
          "choose another --score.",
          printable(set.model.native(), 400), kBesideModel);
    }
    if (reader) {
      if (auto score = classifier_scorer(set, reader)) return {"classifier", std::move(*score)};
      if (wanted) {
        fail_input(
            "The classifier '{}' knows no word of the prompt, so that it cannot score; choose "
            "--score pixels, or a vision model with --judge URL.",
            printable(reader->file.native(), 400));
      }
    }
  }
  if (set.layout.boxes.size() < 2) {
    fail_input(
        "A single panel cannot be scored from its pixels, which are compared between panels; let a "
        "vision model choose with --judge URL.");
  }
  return {"pixels", [layout = set.layout](const image::Image& canvas) {
            return Scored{score_pixels(canvas, layout), ""};
          }};
}

Json score_to_json(const SetScore& score) {
  Json json = {{"score", rounded(score.value)}, {"parts", Json::object()}};
  for (const auto& [name, value] : score.parts) json["parts"][name] = rounded(value);
  if (!score.remark.empty()) json["remark"] = score.remark;
  return json;
}

}  // namespace iclora::eval
