#include "run/event_log.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>

#include "core/error.h"
#include "core/file.h"
#include "run/disk_space.h"

namespace iclora::run {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "events.out.tfevents.";
constexpr uint64_t kLargestFile = uint64_t{1} << 32;

/// The number at the end of a file's name; 0 for a name of another kind.
int64_t number_of(const fs::path& path) {
  const std::string name = path.filename().native();
  if (!name.starts_with(kPrefix)) return 0;
  const std::string digits = name.substr(kPrefix.size());
  const bool number = !digits.empty() && digits.size() <= 18 &&
                      digits.find_first_not_of("0123456789") == std::string::npos;
  return number ? std::stoll(digits) : 0;
}

std::vector<fs::path> event_files(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (number_of(entry.path()) > 0) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end(),
            [](const fs::path& a, const fs::path& b) { return number_of(a) < number_of(b); });
  return files;
}

/// Keeps the records of steps up to `last_step`; removes a file that then has no scalars.
void cut_file(const fs::path& path, int64_t last_step) {
  const std::string bytes = read_file(path, kLargestFile);
  size_t end = 0;
  bool scalars = false;
  for (const FoundEvent& found : decode_events(bytes)) {
    if (found.event.step > last_step && !found.event.restart) break;
    end = found.end;
    scalars = scalars || !found.event.scalars.empty();
  }
  std::error_code error;
  if (!scalars) {
    fs::remove(path, error);
  } else if (end != bytes.size() && ::truncate(path.c_str(), static_cast<off_t>(end)) != 0) {
    fail_to_write(path, errno, 0);
  }
}

}  // namespace

EventLog::EventLog(const fs::path& folder, int64_t last_step, double wall_time) : folder_(folder) {
  create_folders(folder_);
  begin(last_step, wall_time);
}

void EventLog::cut_back(int64_t last_step, double wall_time) {
  file_.reset();
  begin(last_step, wall_time);
}

void EventLog::begin(int64_t last_step, double wall_time) {
  const std::vector<fs::path> earlier = event_files(folder_);
  const int64_t number = earlier.empty() ? 1 : number_of(earlier.back()) + 1;
  for (const fs::path& path : earlier) cut_file(path, last_step);
  file_.emplace(folder_ / fmt::format("{}{:06}", kPrefix, number));
  file_->append(framed(version_event(wall_time)) + framed(restart_event(wall_time, last_step + 1)));
}

void EventLog::append(int64_t step, double wall_time, const Scalars& scalars) {
  Scalars finite;
  for (const auto& scalar : scalars) {
    if (std::isfinite(scalar.second)) finite.push_back(scalar);
  }
  if (!finite.empty()) file_->append(framed(scalars_event(wall_time, step, finite)));
}

}  // namespace iclora::run
