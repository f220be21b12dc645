#include "run/run_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "core/error.h"
#include "core/file.h"
#include "core/yaml.h"
#include "run/load_config.h"

namespace iclora::run {
namespace {

namespace fs = std::filesystem;

std::string shown(const fs::path& path) {
  return "'" + printable(path.native(), 400) + "'";
}

/// What AtomicFile of a killed process leaves: ".NAME.PID-N.part".
bool is_leftover(const fs::path& path) {
  const std::string name = path.filename().native();
  return name.starts_with('.') && name.ends_with(".part");
}

bool has_entries(const fs::path& folder, bool leftovers_count) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (leftovers_count || !is_leftover(entry.path())) return true;
  }
  return false;
}

void check_folder(const fs::path& root, const Config& config, bool resume) {
  std::error_code error;
  if (fs::exists(root, error) && !fs::is_directory(root, error)) {
    fail_input("{} is a file, but a run needs a folder; choose another --out.", shown(root));
  }
  if (!has_entries(root, !resume)) return;
  if (!resume) {
    fail_input(
        "{} is not empty, so that a new run would be mixed with what is there; continue it with "
        "--resume or choose another --out.",
        shown(root));
  }
  const fs::path file = root / "config.yaml";
  if (!fs::exists(file, error)) {
    fail_input("{} is not the folder of a run: it has no config.yaml; choose the right --out.",
               shown(root));
  }
  const Config before = config_from_json(read_yaml(file), shown(file));
  if (const auto difference = first_difference(before, config)) {
    fail_input(
        "{} was started with {} {}, but now it is {}; --resume may change train.steps, sample and "
        "save alone. Put it back, or start a new run with another --out.",
        shown(root), difference->key, printable(difference->before), printable(difference->after));
  }
}

/// A run goes on with what it began with, or it would be a mixture that nobody can make again.
void check_inputs(const fs::path& file, const RunInputs& now) {
  std::error_code error;
  if (!fs::exists(file, error)) return;  // killed before it was written: nothing is done yet
  const Json json = parse_json(read_file(file, 1 << 20), shown(file));
  RunInputs before;
  for (const auto& [name, hash] : json.items()) {
    if (!hash.is_string()) fail_input("{}: '{}' must be a hash.", shown(file), printable(name));
    before[name] = hash.get<std::string>();
  }
  const auto refuse = [&](const std::string& name, const char* change) {
    fail_input("{} was begun {}: {}. Put it back as it was, or start a new run with another --out.",
               shown(file.parent_path()), change, printable(name));
  };
  for (const auto& [name, hash] : before) {
    const auto found = now.find(name);
    if (found == now.end()) refuse(name, "with something that is not given now");
    if (found->second != hash) refuse(name, "with something that is another now");
  }
  for (const auto& [name, hash] : now) {
    if (!before.contains(name)) refuse(name, "without something that is given now");
  }
}

void remove_leftovers(const fs::path& root) {
  std::error_code error;
  std::vector<fs::path> found;
  for (const auto& entry : fs::recursive_directory_iterator(root, error)) {
    if (is_leftover(entry.path()) && entry.is_regular_file(error)) found.push_back(entry.path());
  }
  for (const fs::path& path : found) fs::remove(path, error);
}

FolderLock create_and_lock(const fs::path& root, const Config& config, bool resume) {
  check_folder(root, config, resume);  // before anything is created
  create_folders(root);
  return FolderLock(root);
}

}  // namespace

FolderLock::FolderLock(const fs::path& folder)
    : descriptor_(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
  if (descriptor_ < 0) {
    fail_input("{} cannot be opened: {}.", shown(folder), std::generic_category().message(errno));
  }
  // The folder itself is locked: no file stays behind. Where the file system has no locks there is
  // nothing to hold.
  if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    ::close(descriptor_);
    fail_input("{} is in use by another training; wait for it, stop it, or choose another --out.",
               shown(folder));
  }
}

FolderLock::FolderLock(FolderLock&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)) {}

FolderLock::~FolderLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void RunFolder::check(const Config& config, bool resume) {
  const fs::path root = config.out;
  check_folder(root, config, resume);
  std::error_code error;
  if (fs::exists(root, error)) const FolderLock probe(root);
  check_writable(root);
}

RunFolder::RunFolder(const Config& config, bool resume, const RunInputs& inputs)
    : root_(config.out),
      name_(config.name),
      lock_(create_and_lock(root_, config, resume)),
      checkpoints_(root_ / "checkpoints") {
  check_folder(root_, config, resume);  // again, now that nobody else changes it
  if (resume) check_inputs(this->inputs(), inputs);
  if (resume) {
    remove_leftovers(root_);
    checkpoints_.remove_leftovers();
    NewestCheckpoint newest = checkpoints_.newest_valid();
    checkpoint_ = std::move(newest.checkpoint);
    damaged_ = std::move(newest.damaged);
    if (step() > config.train.steps) {
      fail_input("train.steps is {}, but {} has {} steps behind it; ask for at least as many.",
                 config.train.steps, shown(root_), step());
    }
    notes_.push_back(checkpoint_ ? fmt::format("Resuming after step {}.", step())
                                 : "There is no checkpoint to resume from: starting at step 0.");
  }
  const std::string yaml = config_to_yaml(config);
  std::error_code error;
  if (!fs::exists(this->config(), error) || read_file(this->config(), 4 << 20) != yaml) {
    write_file(this->config(), yaml);
  }
  if (!fs::exists(this->inputs(), error)) {
    write_file(this->inputs(), Json(inputs).dump(2) + "\n");
  }
}

fs::path RunFolder::result() const {
  return lora() / (name_ + ".safetensors");
}

fs::path RunFolder::lora(int64_t step) const {
  return lora() / fmt::format("{}-{:06}.safetensors", name_, step);
}

fs::path RunFolder::samples(int64_t step) const {
  return root_ / "samples" / fmt::format("{:06}", step);
}

}  // namespace iclora::run
