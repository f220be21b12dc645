#include "train/trainer.h"

#include <ATen/ATen.h>

#include <cmath>
#include <thread>

#include "core/error.h"
#include "core/file.h"
#include "core/log.h"
#include "run/disk_space.h"
#include "run/schedule.h"
#include "train/model_result.h"
#include "train/result_file.h"
#include "train/validation.h"

namespace iclora::train {
namespace {

double seconds_since_1970() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

/// "2026-11-23T09:30:00Z"
std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts = {};
  gmtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

at::ScalarType compute_dtype(const run::Config& config) {
  return config.train.dtype == run::Precision::bf16 ? at::kBFloat16 : at::kFloat;
}

}  // namespace

Trainer::Trainer(TrainerParts parts, bool resume, std::function<std::vector<at::Tensor>()> initial,
                 Progress& progress)
    : parts_(std::move(parts)),
      initial_(std::move(initial)),
      progress_(progress),
      folder_(parts_.config, resume, parts_.inputs),
      state_(initial_state(parts_.trained, parts_.config.train.ema > 0)),
      metrics_(folder_.metrics(), folder_.step()),
      validation_(folder_.validation(), folder_.step()),
      events_(folder_.tensorboard(), folder_.step(), seconds_since_1970()) {
  for (const std::string& damaged : folder_.damaged()) log::warning("{}", damaged);
  for (const std::string& note : folder_.notes()) log::info("{}", note);
  if (folder_.checkpoint()) {
    restore(*folder_.checkpoint(), parts_.trained, state_);
    policy_ = run::StopPolicy::from_json(state_.stop_policy, folder_.checkpoint()->folder.native());
    saved_step_ = state_.step;
  }
  put_into_layers(parts_.trained, state_.masters);
  parts_.info.started_at = utc_now();
}

bool Trainer::due(int64_t every) const {
  // After a roll-back to the start there is nothing yet that is worth a file.
  if (state_.step == 0) return false;
  return state_.step == parts_.config.train.steps || (every > 0 && state_.step % every == 0);
}

void Trainer::one_step() {
  const run::TrainConfig& train = parts_.config.train;
  const auto begin = Clock::now();
  nn::Gradients gradients(parts_.trained.size());
  double loss = 0;
  for (int64_t micro = 0; micro < train.accumulate; ++micro) {
    loss += micro_step(parts_.transformer, parts_.feed.batch(state_.step, micro), parts_.micro,
                       gradients);
  }
  loss /= static_cast<double>(train.accumulate);
  const double norm = global_norm(gradients.sums());

  run::StepMetrics metrics;
  metrics.step = state_.step + 1;
  metrics.loss = loss;
  metrics.grad_norm = norm;
  metrics.learning_rate = run::learning_rate(train, state_.step) * state_.rate_factor;
  metrics.samples_seen = metrics.step * train.batch * train.accumulate;

  const auto verdict = policy_.observe(metrics.step, std::isfinite(loss) && std::isfinite(norm));
  if (verdict == run::StopPolicy::Verdict::stop) policy_.fail_stopped(metrics.step);
  if (verdict == run::StopPolicy::Verdict::roll_back) {
    roll_back();
    return;
  }
  metrics.skipped = verdict == run::StopPolicy::Verdict::skip;
  if (metrics.skipped) {
    log::warning("step {}: the loss or its gradient is not a finite number; the step is left out.",
                 metrics.step);
  } else {
    const double clip = train.clip > 0 ? std::min(1.0, train.clip / (norm + 1e-6)) : 1.0;
    const AdamWSettings settings = {train.beta1, train.beta2, train.eps, train.weight_decay};
    adamw_step(state_.masters, gradients.sums(), clip, metrics.learning_rate, settings,
               state_.optimizer);
    if (!state_.averages.empty()) ema_step(state_.averages, state_.masters, train.ema);
    put_into_layers(parts_.trained, state_.masters);
    last_loss_ = loss;
  }
  ++state_.step;
  metrics.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  when_there_is_room([&] { metrics_.append(run::to_json(metrics)); });
  when_there_is_room([&] {
    events_.append(metrics.step, seconds_since_1970(),
                   {{"loss", loss},
                    {"grad_norm", norm},
                    {"learning_rate", metrics.learning_rate},
                    {"seconds", metrics.seconds}});
  });
  progress_.report(
      {.phase = "training", .step = state_.step, .total = train.steps, .loss = last_loss_});
}

void Trainer::when_there_is_room(const std::function<void()>& work) {
  for (bool told = false;;) {
    try {
      work();
      if (told) log::info("there is room again; the training goes on.");
      return;
    } catch (const run::DiskFull& full) {
      if (progress_.cancelled()) throw;
      if (!told) log::warning("{} The training waits until there is room.", full.what());
      told = true;
      progress_.report({.phase = "waiting for room on the disk",
                        .step = state_.step,
                        .total = parts_.config.train.steps,
                        .loss = {}});
      std::this_thread::sleep_for(std::chrono::seconds(1));
    }
  }
}

void Trainer::save() {
  progress_.report(
      {.phase = "saving", .step = state_.step, .total = parts_.config.train.steps, .loss = {}});
  state_.stop_policy = policy_.to_json();
  when_there_is_room([&] { metrics_.sync(); });
  when_there_is_room([&] {
    folder_.checkpoints().save(state_.step, checkpoint_parts(state_, parts_.trained),
                               parts_.config.save.keep);
  });
  saved_step_ = state_.step;
}

void Trainer::write_lora_file(const std::filesystem::path& path) {
  const run::LoraConfig& lora = parts_.config.lora;
  lora::AdapterInfo info = parts_.info;
  info.training["steps"] = state_.step;
  info.finished_at = utc_now();
  create_folders(path.parent_path());
  write_lora(path, parts_.trained, result_values(state_),
             lora.alpha / static_cast<double>(lora.rank), parts_.config.save.dtype, info);
}

void Trainer::with_result_in_layers(const std::function<void()>& work) {
  put_into_layers(parts_.trained, result_values(state_));
  try {
    work();
  } catch (...) {
    put_into_layers(parts_.trained, state_.masters);
    throw;
  }
  put_into_layers(parts_.trained, state_.masters);
}

void Trainer::validate() {
  if (parts_.held_out.empty()) return;
  ValidationLoss loss;
  with_result_in_layers([&] {
    loss = validation_loss(parts_.transformer, parts_.held_out, parts_.config.train.seed,
                           parts_.micro, progress_);
  });
  const run::ValidationMetrics metrics = {state_.step, loss.loss, loss.panels};
  when_there_is_room([&] { validation_.append(run::to_json(metrics)); });
  run::Scalars scalars = {{"validation/loss", loss.loss}};
  for (size_t panel = 0; panel < loss.panels.size(); ++panel) {
    scalars.emplace_back(fmt::format("validation/panel-{}", panel + 1), loss.panels[panel]);
  }
  when_there_is_room([&] { events_.append(state_.step, seconds_since_1970(), scalars); });
  log::info("step {}: validation loss {:.5f}", state_.step, loss.loss);
}

void Trainer::sample() {
  if (parts_.prompts.empty()) return;
  const std::filesystem::path folder = folder_.samples(state_.step);
  // A training is worth more than its samples: whatever goes wrong with them, it goes on.
  try {
    std::vector<image::Image> pictures;
    with_result_in_layers([&] {
      pictures = draw_samples(parts_.model, parts_.transformer, parts_.prompts,
                              *parts_.config.sample, compute_dtype(parts_.config), progress_);
    });
    when_there_is_room(
        [&] { write_samples(pictures, parts_.prompts, *parts_.config.sample, folder); });
  } catch (const run::DiskFull&) {
    throw Cancelled{};  // the user stopped the wait for room
  } catch (const std::exception& error) {
    // libtorch appends a stack trace to its first line.
    const std::string reason = error.what();
    log::warning("no samples in '{}': {} The training goes on.", printable(folder.native(), 400),
                 printable(reason.substr(0, reason.find('\n')), 300));
  }
}

void Trainer::roll_back() {
  const auto newest = folder_.checkpoints().newest_valid();
  const int64_t from = state_.step + 1;
  const double factor = state_.rate_factor / 2;
  run::StopPolicy saved;
  if (newest.checkpoint) {
    restore(*newest.checkpoint, parts_.trained, state_);
    saved = run::StopPolicy::from_json(state_.stop_policy, newest.checkpoint->folder.native());
  } else {
    const auto values = initial_();
    for (size_t i = 0; i < values.size(); ++i) state_.masters[i].copy_(values[i]);
    state_ = initial_state(parts_.trained, parts_.config.train.ema > 0);
  }
  policy_.rolled_back(saved);
  state_.rate_factor = factor;
  put_into_layers(parts_.trained, state_.masters);
  metrics_.cut_back(state_.step);
  validation_.cut_back(state_.step);
  events_.cut_back(state_.step, seconds_since_1970());
  log::warning(
      "step {}: three of the last twenty steps were not finite; back to step {} with {} of the "
      "learning rate.",
      from, state_.step, factor);
}

void Trainer::stop_for_signal() {
  if (saved_step_ != state_.step) save();
  throw Error(ErrorKind::interrupted,
              fmt::format("stopped by a signal after step {} of {}, all of it saved; --resume goes "
                          "on from there.",
                          state_.step, parts_.config.train.steps));
}

void Trainer::stop_without_room(const DiskFull& full) {
  if (!progress_.cancelled()) throw;
  // Exit 75 promises that nothing is lost. Where steps are, the disk is the reason, and whoever
  // starts the run again has to see to it first: exit 6.
  if (saved_step_ == state_.step) stop_for_signal();
  fail(ErrorKind::output,
       "stopped by a signal at step {} of {}, of which {} are saved, since there was no room: {}",
       state_.step, parts_.config.train.steps, std::max<int64_t>(saved_step_, 0), full.what());
}

void Trainer::after_step() {
  if (due(parts_.config.save.every)) {
    save();
    write_lora_on_the_way();
    validate();
  }
  if (samples_are_due()) sample();
}

void Trainer::catch_up() {
  if (state_.step == 0) return;
  if (due(parts_.config.save.every)) {
    if (!std::filesystem::exists(folder_.lora(state_.step))) write_lora_on_the_way();
    const auto lines = run::read_step_log(folder_.validation());
    if (lines.empty() || lines.back().value("step", int64_t{0}) != state_.step) validate();
  }
  // Drawn again, byte for byte, unless all are there.
  if (samples_are_due() && !samples_are_complete(folder_.samples(state_.step), parts_.prompts)) {
    sample();
  }
}

bool Trainer::samples_are_due() const {
  return parts_.config.sample && due(parts_.config.sample->every);
}

void Trainer::write_lora_on_the_way() {
  if (parts_.config.lora.targets.kind == run::LoraTargets::Kind::full ||
      state_.step == parts_.config.train.steps) {
    return;  // the end writes the result
  }
  when_there_is_room([&] { write_lora_file(folder_.lora(state_.step)); });
}

void Trainer::write_result() {
  progress_.report(
      {.phase = "saving", .step = state_.step, .total = parts_.config.train.steps, .loss = {}});
  if (parts_.config.lora.targets.kind == run::LoraTargets::Kind::full) {
    when_there_is_room([&] {
      write_model(folder_.root() / "model", parts_.model.folder, parts_.trained,
                  result_values(state_), parts_.config.save.dtype);
    });
  } else {
    when_there_is_room([&] { write_lora_file(folder_.result()); });
  }
}

void Trainer::step_to_the_end() {
  const int64_t steps = parts_.config.train.steps;
  progress_.report({.phase = "training", .step = state_.step, .total = steps, .loss = {}});
  try {
    catch_up();
    while (state_.step < steps) {
      one_step();
      if (progress_.cancelled()) stop_for_signal();
      after_step();
    }
  } catch (const Cancelled&) {
    stop_for_signal();  // from within a sample: the step before it is whole
  }
}

TrainResult Trainer::run() {
  try {
    step_to_the_end();
    write_result();
  } catch (const run::DiskFull& full) {
    stop_without_room(full);
  }
  TrainResult result;
  result.result = parts_.config.lora.targets.kind == run::LoraTargets::Kind::full
                      ? folder_.root() / "model"
                      : folder_.result();
  result.steps = state_.step;
  result.loss = last_loss_;
  if (result.steps > 0 && result.loss == 0) {  // nothing was left to do
    const auto lines = run::read_step_log(folder_.metrics());
    if (!lines.empty() && lines.back().value("loss", Json()).is_number()) {
      result.loss = lines.back()["loss"].get<double>();
    }
  }
  result.seconds = std::chrono::duration<double>(Clock::now() - start_).count();
  return result;
}

}  // namespace iclora::train
