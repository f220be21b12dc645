#include "study/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>

#include "core/error.h"
#include "core/file.h"
#include "refusal.h"
#include "scratch.h"

namespace iclora::study {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing_support::refusal_of;
using testing_support::ScratchFolder;
namespace fs = std::filesystem;

constexpr const char* kPlan = R"(
model: some-model
recipe: {train: {steps: 7, batch: 2}, lora: {rank: 4, alpha: 4}, sample: {prompts: [a cat]}}
draw: {steps: 5, seed: 3, repeat: 2, count: 4}
tasks:
  - {name: pairs, held_out: held, train: "${CACHE}/sets/pairs"}
  - {name: other, held_out: more, rows: headline}
trainings:
  - {name: lora, sets: [10, 20]}
  - {name: full, set: {lora.targets: full, train.learning_rate: 1.0e-5, train.conditional: 0.5}}
rows:
  - {name: base, headline: true}
  - {name: LoRA, training: lora}
  - {name: LoRA alone, training: lora, sets: [20], headline: true}
  - {name: tuned, training: full, given: [2, 1], condition: clean, given_timestep: zero, given_sees: given}
  - {name: best of 4, candidates: {count: 4, steps: 2, score: pixels}}
contrasts:
  - {name: learns, a: "LoRA, 20 sets", b: base, measure: success, at_least: 0.2}
)";

Plan read(const std::string& text) {
  const ScratchFolder scratch;
  std::ofstream(scratch / "plan.yaml") << text;
  return read_plan(scratch / "plan.yaml", "/cache");
}

/// The plan with one piece of it replaced.
std::string refusal(const std::string& from, const std::string& to) {
  std::string text = kPlan;
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  text.replace(at, from.size(), to);
  return refusal_of([&] { read(text); });
}

std::vector<std::string> labels(const Plan& plan, size_t task) {
  std::vector<std::string> out;
  for (const PlannedRow& row : rows_of(plan, plan.tasks[task])) out.push_back(row.label);
  return out;
}

TEST(Plan, ReadsTasksTrainingsAndRows) {
  const Plan plan = read(kPlan);
  EXPECT_EQ(plan.model, "some-model");
  EXPECT_EQ(plan.tasks[0].train, "/cache/sets/pairs");
  EXPECT_EQ(plan.draw.steps, 5);
  EXPECT_EQ(plan.draw.seed, 3U);
  EXPECT_EQ(plan.repeat, 2);
  EXPECT_EQ(plan.count, 4);
  EXPECT_THAT(labels(plan, 0), ElementsAre("base", "LoRA, 10 sets", "LoRA, 20 sets",
                                           "LoRA alone, 20 sets", "tuned", "best of 4"));
  EXPECT_THAT(labels(plan, 1), ElementsAre("base", "LoRA alone, 20 sets"));
  EXPECT_THAT(plan.rows[3].given, ElementsAre(1, 2));
  EXPECT_EQ(plan.rows[3].condition, sampling::GivenMethod::clean);
  EXPECT_EQ(plan.rows[3].given_at_zero, true);
  EXPECT_EQ(plan.rows[3].given_sees, flux::GivenSees::given);
  EXPECT_EQ(plan.rows[4].candidates->count, 4);
  EXPECT_EQ(plan.contrasts[0].at_least, 0.2);
}

TEST(Plan, ATrainingIsTheRecipeWithItsSettings) {
  const Plan plan = read(kPlan);
  const run::Config config = training_config(plan, plan.tasks[0], plan.trainings[1], "out");
  EXPECT_EQ(config.train.steps, 7);
  EXPECT_EQ(config.train.learning_rate, 1e-5);
  EXPECT_EQ(config.train.conditional, 0.5);
  EXPECT_EQ(config.lora.targets.kind, run::LoraTargets::Kind::full);
  EXPECT_EQ(config.model, "some-model");
  EXPECT_EQ(config.data.path, "/cache/sets/pairs");
  EXPECT_EQ(config.out, "out");
  EXPECT_FALSE(config.sample.has_value());
  EXPECT_EQ(training_config(plan, plan.tasks[0], plan.trainings[0], "out").train.conditional, 0);
}

TEST(Plan, ItsOwnSettingsAreThoseOfEveryTrainingThatSaysNothingElse) {
  const Plan plan =
      read(std::string(kPlan) + "set: {train.batch: 3, train.learning_rate: 2.0e-4}\n");
  const auto train = [&](size_t training) {
    return training_config(plan, plan.tasks[0], plan.trainings[training], "out").train;
  };
  EXPECT_EQ(train(0).batch, 3);
  EXPECT_EQ(train(0).learning_rate, 2e-4);
  EXPECT_EQ(train(1).batch, 3);
  EXPECT_EQ(train(1).learning_rate, 1e-5);
  EXPECT_EQ(train(1).steps, 7);
}

TEST(Plan, ARowsAdapterIsThatOfItsTask) {
  const Plan plan = read(
      std::string(kPlan).replace(std::string(kPlan).find("name: base, headline"), 10,
                                 "name: base, adapter: \"${CACHE}/${TASK}/${TASK}.safetensors\""));
  EXPECT_EQ(adapter_path(plan.rows[0], plan.tasks[0]), "/cache/pairs/pairs.safetensors");
  EXPECT_EQ(adapter_path(plan.rows[0], plan.tasks[1]), "/cache/other/other.safetensors");
}

TEST(Plan, WrongOnesAreRefused) {
  EXPECT_THAT(refusal("contrasts:", "contrast:"), HasSubstr("did you mean 'contrasts'?"));
  EXPECT_THAT(refusal("headline: true", "headlin: true"), HasSubstr("did you mean 'headline'?"));
  EXPECT_THAT(refusal("training: lora}", "training: lara}"), HasSubstr("which the plan has not"));
  EXPECT_THAT(refusal("training: lora}", "training: lora, adapter: a.safetensors}"),
              HasSubstr("both 'training' and 'adapter'"));
  EXPECT_THAT(refusal("sets: [20], headline", "sets: [30], headline"), HasSubstr("is not trained"));
  EXPECT_THAT(refusal("b: base", "b: bas"), HasSubstr("did you mean 'base'?"));
  EXPECT_THAT(refusal("LoRA alone", "LoRA"), HasSubstr("stands there twice"));
  EXPECT_THAT(refusal("name: full", "name: lora"), HasSubstr("stands there twice"));
  EXPECT_THAT(refusal("name: pairs", "name: ../pairs"), HasSubstr("letters, digits"));
  EXPECT_THAT(refusal("given: [2, 1], ", ""), HasSubstr("without given panels"));
  EXPECT_THAT(refusal("condition: clean", "condition: cleen"), HasSubstr("expected clean"));
  EXPECT_THAT(refusal("score: pixels", "score: eyes"), HasSubstr("expected auto"));
  EXPECT_THAT(refusal("count: 4, steps: 2", "count: 4, steps: 6"),
              HasSubstr("take 6 steps, but a finished canvas 5"));
  EXPECT_THAT(refusal("measure: success", "measure: sucess"), HasSubstr("did you mean 'success'?"));
  EXPECT_THAT(refusal("measure: success", "measure: success/subject"),
              HasSubstr("nothing is measured"));
  EXPECT_EQ(refusal("measure: success", "measure: adherence/subject"), "accepted");
  EXPECT_THAT(refusal("condition: clean, given_timestep: zero", "strength: 0.5"),
              HasSubstr("'strength' belongs to"));
  EXPECT_THAT(refusal("condition: clean,", "condition: replace,"),
              HasSubstr("'given_timestep' belongs to"));
  EXPECT_THAT(refusal("given_timestep: zero", "given_timestep: shared"),
              HasSubstr("needs 'given_timestep: zero'"));
  EXPECT_THAT(refusal("given_sees: given", "given_sees: some"), HasSubstr("expected all or given"));
  EXPECT_THAT(refusal("recipe: {", "recipe: {data: 3, "), HasSubstr("'data' must be a map"));
  EXPECT_THAT(refusal("recipe: {", "set: 3\nrecipe: {"), HasSubstr("'set' must be a map"));
  EXPECT_THAT(refusal("draw: {", "draw: {guidance: -1, "), HasSubstr("'guidance' is -1"));
  EXPECT_THAT(refusal("draw: {", "draw: {dtype: fp8, "), HasSubstr("draw: 'dtype' is 'fp8'"));
  EXPECT_THAT(refusal("sets: [10, 20]", "sets: [10, 10]"), HasSubstr("twice"));
  EXPECT_THAT(refusal("sets: [10, 20]", "sets: [0]"), HasSubstr("sets"));
  EXPECT_THAT(refusal("held_out: more, ", ""), HasSubstr("lacks 'held_out'"));
  EXPECT_THAT(refusal("rows: headline", "rows: some"), HasSubstr("'all' or 'headline'"));
  EXPECT_THAT(refusal("steps: 5, seed", "step: 5, seed"), HasSubstr("did you mean 'steps'?"));
  const Plan plan = read(std::string(kPlan).replace(std::string(kPlan).find("lora.targets: full"),
                                                    18, "lora.target: full"));
  EXPECT_THROW(training_config(plan, plan.tasks[0], plan.trainings[1], "out"), Error);
}

TEST(Plan, EveryAdapterOfTheZooIsMeasured) {
  const fs::path home = fs::current_path();
  fs::current_path(ICLORA_FIXTURES "/../..");  // the plan's paths begin there
  const Plan plan = read_plan("models/zoo/plan.yaml", "/cache");
  std::set<fs::path> measured, there;
  for (const TaskPlan& task : plan.tasks) {
    for (const PlannedRow& row : rows_of(plan, task)) {
      if (!row.row->adapter.empty()) measured.insert(adapter_path(*row.row, task));
    }
  }
  for (const auto& entry : fs::directory_iterator("models/zoo")) {
    if (entry.path().extension() == ".safetensors") there.insert(entry.path());
  }
  fs::current_path(home);
  EXPECT_EQ(measured, there);
  EXPECT_GE(there.size(), plan.tasks.size());
}

// What is measured is told: docs/claims.md is written from the names of the contrasts.
TEST(Plan, TheShippedComparisonCanBeReadAndAllItComparesIsTold) {
  const fs::path home = fs::current_path();
  fs::current_path(ICLORA_FIXTURES "/../..");  // the plan's paths begin there
  const Plan plan = read_plan("examples/comparison.yaml", "/cache");
  const std::string claims = read_file("tools/claims.py", 1 << 20);
  fs::current_path(home);
  EXPECT_EQ(plan.tasks.size(), 10U);
  for (const TaskPlan& task : plan.tasks) EXPECT_FALSE(rows_of(plan, task).empty()) << task.name;
  EXPECT_FALSE(plan.contrasts.empty());
  for (const ContrastPlan& contrast : plan.contrasts) {
    EXPECT_THAT(claims, HasSubstr('"' + contrast.name + '"'));
  }
}

}  // namespace
}  // namespace iclora::study
