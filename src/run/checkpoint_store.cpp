#include "run/checkpoint_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <set>

#include "core/error.h"
#include "core/file.h"
#include "run/disk_space.h"
#include "run/manifest.h"

namespace iclora::run {
namespace {

namespace fs = std::filesystem;

// Hidden names that no other program makes: ".000200.saving", ".000200.replaced",
// ".000200.removing".
constexpr const char* kSaving = ".saving";
constexpr const char* kReplaced = ".replaced";
constexpr const char* kRemoving = ".removing";

fs::path aside(const fs::path& folder, const std::string& name, const char* suffix) {
  return folder / ("." + name + suffix);
}

/// The step of a folder's name, if it is one that folder_name gives.
std::optional<int64_t> step_of(const std::string& name) {
  if (name.size() < 6 || name.size() > 18) return std::nullopt;
  if (name.find_first_not_of("0123456789") != std::string::npos) return std::nullopt;
  const int64_t step = std::stoll(name);
  return CheckpointStore::folder_name(step) == name ? std::optional(step) : std::nullopt;
}

void check_parts(const std::vector<CheckpointPart>& parts) {
  std::set<std::string> names = {kManifestName};
  for (const CheckpointPart& part : parts) {
    if (!is_file_name(part.name) || !names.insert(part.name).second) {
      fail(ErrorKind::internal, "A checkpoint cannot have a file '{}' (again).",
           printable(part.name));
    }
  }
}

/// Best effort; what could not be removed is met again by remove_leftovers.
void remove_quietly(const fs::path& path) {
  std::error_code ignored;
  fs::remove_all(path, ignored);
}

void rename_or_fail(const fs::path& from, const fs::path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) fail_to_write(to, errno, 0);
}

}  // namespace

fs::path StoredCheckpoint::path(const std::string& name) const {
  for (const CheckpointFile& file : files) {
    if (file.name == name) return folder / name;
  }
  fail_input("The checkpoint '{}' has no file '{}'; it was written by another version.",
             printable(folder.native(), 400), printable(name));
}

uint64_t StoredCheckpoint::bytes() const {
  uint64_t sum = 0;
  for (const CheckpointFile& file : files) sum += file.bytes;
  return sum;
}

CheckpointStore::CheckpointStore(fs::path folder) : folder_(std::move(folder)) {}

std::string CheckpointStore::folder_name(int64_t step) {
  return fmt::format("{:06}", step);
}

void CheckpointStore::remove_leftovers() const {
  std::error_code error;
  std::vector<fs::path> hidden;
  for (const auto& entry : fs::directory_iterator(folder_, error)) {
    if (entry.path().filename().native().starts_with('.')) hidden.push_back(entry.path());
  }
  for (const fs::path& path : hidden) {
    const std::string suffix = path.extension().native();
    const std::string name = path.stem().native().substr(1);
    if (!step_of(name)) continue;
    if (suffix == kReplaced && !fs::exists(folder_ / name, error)) {
      rename_or_fail(path, folder_ / name);  // the new one had not taken the place yet
    } else if (suffix == kSaving || suffix == kReplaced || suffix == kRemoving) {
      remove_quietly(path);
    }
  }
}

StoredCheckpoint CheckpointStore::save(int64_t step, const std::vector<CheckpointPart>& parts,
                                       int64_t keep) const {
  check_parts(parts);
  create_folders(folder_);
  const fs::path temporary = aside(folder_, folder_name(step), kSaving);
  remove_quietly(temporary);
  constexpr uint64_t kManifestRoom = 65536;
  uint64_t needed = kManifestRoom;
  for (const CheckpointPart& part : parts) needed += part.bytes;
  if (free_bytes(folder_) < needed) fail_to_write(folder_ / folder_name(step), ENOSPC, needed);
  try {
    if (::mkdir(temporary.c_str(), 0777) != 0) fail_to_write(temporary, errno, needed);
    StoredCheckpoint checkpoint{step, folder_ / folder_name(step), {}};
    for (const CheckpointPart& part : parts) {
      SyncedFile file(temporary / part.name, needed);
      part.write(file);
      const uint64_t bytes = file.written();
      checkpoint.files.push_back({part.name, bytes, file.close()});
    }
    SyncedFile manifest(temporary / kManifestName, needed);
    manifest.write(manifest_text(checkpoint));
    manifest.close();
    sync_folder(temporary);
    publish(temporary, step);
  } catch (...) {
    remove_quietly(temporary);
    throw;
  }
  StoredCheckpoint verified = verify(step);
  prune(step, keep);
  return verified;
}

void CheckpointStore::publish(const fs::path& temporary, int64_t step) const {
  const fs::path target = folder_ / folder_name(step);
  std::error_code ignored;
  if (!fs::exists(target, ignored)) {
    rename_or_fail(temporary, target);
  } else if (::renameat2(AT_FDCWD, temporary.c_str(), AT_FDCWD, target.c_str(), RENAME_EXCHANGE) ==
             0) {
    remove_quietly(temporary);  // by now the old one
  } else {
    // A file system that cannot exchange two names: remove_leftovers finishes a cut between the
    // two renames.
    const fs::path old = aside(folder_, folder_name(step), kReplaced);
    remove_quietly(old);
    rename_or_fail(target, old);
    rename_or_fail(temporary, target);
    sync_folder(folder_);
    remove_quietly(old);
  }
  sync_folder(folder_);
}

void CheckpointStore::remove(const fs::path& checkpoint) const {
  const fs::path hidden = aside(folder_, checkpoint.filename().native(), kRemoving);
  remove_quietly(hidden);
  // Renamed first: a removal that is cut short must not leave a checkpoint without some files.
  if (::rename(checkpoint.c_str(), hidden.c_str()) == 0) remove_quietly(hidden);
}

void CheckpointStore::prune(int64_t step, int64_t keep) const {
  int64_t kept = 0;
  std::vector<int64_t> all = steps();
  std::reverse(all.begin(), all.end());
  for (const int64_t other : all) {
    const bool stays = other == step || (other < step && kept < std::max<int64_t>(1, keep));
    if (stays) {
      ++kept;
    } else {
      remove(folder_ / folder_name(other));
    }
  }
}

StoredCheckpoint CheckpointStore::verify(int64_t step) const {
  const fs::path folder = folder_ / folder_name(step);
  StoredCheckpoint checkpoint = read_manifest(folder);
  if (checkpoint.step != step) {
    fail_input("'{}' holds the checkpoint of step {}; it was renamed.",
               printable(folder.native(), 400), checkpoint.step);
  }
  for (const CheckpointFile& file : checkpoint.files) {
    const fs::path path = folder / file.name;
    std::error_code error;
    const uint64_t size = fs::file_size(path, error);
    if (error) {
      fail_input("'{}' cannot be read: {}.", printable(path.native(), 400), error.message());
    }
    if (size != file.bytes) {
      fail_input("'{}' has {} bytes, but {} were saved.", printable(path.native(), 400), size,
                 file.bytes);
    }
    if (sha256_of_file(path) != file.sha256) {
      fail_input("'{}' is not what was saved: its SHA-256 is another.",
                 printable(path.native(), 400));
    }
  }
  return checkpoint;
}

NewestCheckpoint CheckpointStore::newest_valid() const {
  NewestCheckpoint result;
  std::vector<int64_t> all = steps();
  std::reverse(all.begin(), all.end());
  for (const int64_t step : all) {
    try {
      result.checkpoint = verify(step);
      return result;
    } catch (const Error& error) {
      result.damaged.push_back(
          fmt::format("The checkpoint of step {} is damaged: {}", step, error.what()));
    }
  }
  return result;
}

std::vector<int64_t> CheckpointStore::steps() const {
  std::vector<int64_t> steps;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder_, error)) {
    const auto step = step_of(entry.path().filename().native());
    if (step && entry.is_directory(error)) steps.push_back(*step);
  }
  std::sort(steps.begin(), steps.end());
  return steps;
}

}  // namespace iclora::run
