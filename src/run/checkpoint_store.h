#pragma once
// Checkpoints that are whole or not there: RUN/checkpoints/000200/, published by one rename.
//
// A save writes all files and manifest.json (names, sizes, SHA-256, step, version) into a hidden
// folder aside, each with fsync, then fsync of that folder, rename onto the final name, fsync of
// the folder above. What a killed save leaves behind is never taken for a checkpoint. Nothing is
// ever chosen by time: the newest is the one with the largest step whose every byte is right.
//
// One process at a time works on a store (RunFolder holds the lock).

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/json.h"
#include "run/synced_file.h"

namespace iclora::run {

/// One file of a checkpoint: its name, without folder, and who writes its bytes.
struct CheckpointPart {
  std::string name;
  uint64_t bytes =
      0;  ///< that will be written, for the sentence of a full disk; an estimate will do
  std::function<void(ByteSink&)> write;
};

struct CheckpointFile {
  std::string name;
  uint64_t bytes = 0;
  std::string sha256;
};

/// A published checkpoint with its manifest.
struct StoredCheckpoint {
  int64_t step = 0;
  std::filesystem::path folder;
  std::vector<CheckpointFile> files;

  /// Error (exit 2) where the checkpoint has no such file.
  std::filesystem::path path(const std::string& name) const;
  uint64_t bytes() const;  ///< of all files together
};

/// What newest_valid found: the checkpoint, if any, and a sentence on each newer one that is not
/// valid.
struct NewestCheckpoint {
  std::optional<StoredCheckpoint> checkpoint;
  std::vector<std::string> damaged;
};

class CheckpointStore {
 public:
  /// `folder`: RUN/checkpoints; created by the first save.
  explicit CheckpointStore(std::filesystem::path folder);

  /// Removes what killed saves and prunings left behind, and finishes a replacement that was cut
  /// short. Once, before anything else, under the run's lock.
  void remove_leftovers() const;

  /// Publishes the checkpoint of `step`, in place of one that may stand there, reads it back,
  /// compares every byte's digest, and only then removes all but the newest `keep` and those of
  /// later steps (of a course that was abandoned). Errors: DiskFull with the bytes needed, Error of
  /// kind `output`; whatever `write` throws: then everything stands as before. Error (exit 2) when
  /// what was read back differs: then nothing older is removed.
  StoredCheckpoint save(int64_t step, const std::vector<CheckpointPart>& parts, int64_t keep) const;

  /// The valid checkpoint of the largest step: the manifest is whole, and every file it names has
  /// its size and digest.
  NewestCheckpoint newest_valid() const;

  /// Reads and checks one. Errors (exit 2) say which file is wrong.
  StoredCheckpoint verify(int64_t step) const;

  /// Steps that have a folder, ascending, valid or not.
  std::vector<int64_t> steps() const;

  const std::filesystem::path& folder() const { return folder_; }
  /// "000200"
  static std::string folder_name(int64_t step);

 private:
  void publish(const std::filesystem::path& temporary, int64_t step) const;
  void remove(const std::filesystem::path& checkpoint) const;
  void prune(int64_t step, int64_t keep) const;

  std::filesystem::path folder_;
};

}  // namespace iclora::run
