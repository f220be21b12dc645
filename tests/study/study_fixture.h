#pragma once
// A comparison as small as can be, on drawn pairs and the toy model.

#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "core/file.h"
#include "drawn_sets.h"
#include "scratch.h"
#include "study/report.h"
#include "study/study.h"

namespace iclora::testing_support {

/// Every kind of row, as small as can be.
inline constexpr const char* kStudyPlan = R"(
model: MODEL
recipe: {data: {panel: 32x32}, train: {steps: 2, batch: 1, dtype: fp32, ema: 0}, lora: {rank: 2, alpha: 2}, save: {every: 1}}
draw: {steps: 2, dtype: fp32, text_length: 16, panel: 32x32, count: 2, classifier: CLASSIFIER}
pictures: 1
tasks:
  - {name: pairs, held_out: HELD, train: TRAIN}
trainings:
  - {name: lora, sets: [1, 2]}
  - {name: gdt, set: {method: gdt}}
  - {name: full, sets: [2], set: {lora.targets: full}}
  - {name: conditional, sets: [2], set: {train.conditional: 0.5, train.given_timestep: zero}}
  - {name: apart, sets: [2], set: {train.conditional: 0.5, train.given_timestep: zero, train.given_sees: given}}
rows:
  - {name: base}
  - {name: LoRA, training: lora}
  - {name: GDT, training: gdt}
  - {name: tuned, training: full}
  - {name: clean, training: conditional, given: [1]}
  - {name: apart, training: apart, given: [1]}
  - {name: silent, training: conditional, given: [1], silent: true}
  - {name: sdedit, given: [2], condition: sdedit, strength: 0.5}
  - {name: replace, given: [1], given_attention: 1.5}
  - {name: best of 2, candidates: {count: 2, steps: 1, score: pixels}}
contrasts:
  - {name: learns, a: "LoRA, 2 sets", b: base, measure: success, at_least: 0}
)";

class StudyTest : public testing::Test {
 protected:
  StudyTest() {
    write_pairs(scratch_ / "held", 3);
    write_pair_labels(scratch_ / "held", 3);
    write_pairs(scratch_ / "train", 2);
    options_.out = scratch_ / "out";
    options_.encodings = scratch_ / "encodings";
  }

  /// The plan with one row of its own, which draws with the model as it is.
  static std::string small_plan() {
    const std::string all = kStudyPlan;
    return all.substr(0, all.find("rows:")) + "rows:\n  - {name: base}\n";
  }

  study::Plan plan(std::string text = kStudyPlan) const {
    const auto put = [&](const std::string& word, const std::string& value) {
      const size_t at = text.find(word);
      if (at != std::string::npos) text.replace(at, word.size(), "\"" + value + "\"");
    };
    put("MODEL", ICLORA_FIXTURES "/models/toy-dev");
    put("CLASSIFIER", ICLORA_FIXTURES "/eval/classifier.safetensors");
    put("HELD", (scratch_ / "held").native());
    put("TRAIN", (scratch_ / "train").native());
    std::ofstream(scratch_ / "plan.yaml") << text;
    return study::read_plan(scratch_ / "plan.yaml", scratch_ / "cache");
  }

  Json run(const study::Plan& plan, Progress& progress) const {
    Json report;
    study::run_study(
        plan, options_, [&](const study::Study& study) { report = study::report_json(study); },
        progress);
    return report;
  }
  Json run(const study::Plan& plan) const {
    NoProgress progress;
    return run(plan, progress);
  }
  /// What work_of says is not there.
  std::vector<std::string> left(const study::Plan& plan) const {
    std::vector<std::string> out;
    for (const study::Work& one : study::work_of(plan, options_)) {
      if (!one.done) out.push_back((one.training ? "train " : "draw ") + one.what);
    }
    return out;
  }

  std::vector<std::filesystem::path> cell_files() const {
    std::vector<std::filesystem::path> out;
    for (const auto& entry : std::filesystem::directory_iterator(options_.out / "cells")) {
      out.push_back(entry.path() / "cell.json");
    }
    return out;
  }

  static Json row(const Json& report, const std::string& label) {
    for (const Json& one : report["tasks"][0]["rows"]) {
      if (one["row"] == label) return one;
    }
    ADD_FAILURE() << "there is no row " << label;
    return {};
  }

  ScratchFolder scratch_;
  study::StudyOptions options_;
};

}  // namespace iclora::testing_support
