#pragma once
// A run's folder: who may open it, what is where, and from where a run goes on.

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "run/checkpoint_store.h"
#include "run/config.h"

namespace iclora::run {

/// Held from opening to destruction; the kernel drops it when the process dies.
class FolderLock {
 public:
  /// Error (exit 2) when another process holds it.
  explicit FolderLock(const std::filesystem::path& folder);
  ~FolderLock();
  FolderLock(FolderLock&& other) noexcept;
  FolderLock& operator=(FolderLock&&) = delete;

 private:
  int descriptor_;
};

/// Hashes of what a run is made from, by what it is ("base model", "data set"); what a run does not
/// have is not there.
using RunInputs = std::map<std::string, std::string>;

class RunFolder {
 public:
  /// What the constructor would refuse before it reads checkpoints, without writing anything: for
  /// the checks before a start.
  static void check(const Config& config, bool resume);

  /// Creates config.out, or opens it with `resume`, locks it and writes config.yaml and
  /// inputs.json, the hashes of what the run is made from beside its configuration. With resume:
  /// leftovers of killed saves go, and the newest valid checkpoint is found; an empty or missing
  /// folder is a new run. Errors: exit 2 for a non-empty folder without resume, a folder in use, a
  /// folder that is no run's, a configuration that differs in more than train.steps, sample, save
  /// and out, other inputs, fewer steps than are done; exit 6 when it cannot be written.
  RunFolder(const Config& config, bool resume, const RunInputs& inputs = {});

  /// Where to go on; none: from step 0.
  const std::optional<StoredCheckpoint>& checkpoint() const { return checkpoint_; }
  /// Steps done: of that checkpoint, or 0. Logs are cut back to it.
  int64_t step() const { return checkpoint_ ? checkpoint_->step : 0; }
  /// Whole sentences for the user: where the run goes on, and which checkpoints are damaged.
  const std::vector<std::string>& notes() const { return notes_; }
  const std::vector<std::string>& damaged() const { return damaged_; }
  const CheckpointStore& checkpoints() const { return checkpoints_; }

  const std::filesystem::path& root() const { return root_; }
  std::filesystem::path config() const { return root_ / "config.yaml"; }
  std::filesystem::path inputs() const { return root_ / "inputs.json"; }
  std::filesystem::path metrics() const { return root_ / "metrics.jsonl"; }
  std::filesystem::path validation() const { return root_ / "validation.jsonl"; }
  std::filesystem::path tensorboard() const { return root_ / "tensorboard"; }
  std::filesystem::path lora() const { return root_ / "lora"; }
  /// lora/NAME.safetensors
  std::filesystem::path result() const;
  /// lora/NAME-000200.safetensors
  std::filesystem::path lora(int64_t step) const;
  /// samples/000200
  std::filesystem::path samples(int64_t step) const;

 private:
  std::filesystem::path root_;
  std::string name_;
  FolderLock lock_;
  CheckpointStore checkpoints_;
  std::optional<StoredCheckpoint> checkpoint_;
  std::vector<std::string> notes_, damaged_;
};

}  // namespace iclora::run
