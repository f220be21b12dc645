#include "runtime/memory.h"

#include <algorithm>
#include <fstream>
#include <limits>
#include <string>

namespace iclora::runtime {
namespace {

constexpr uint64_t kUnlimited = std::numeric_limits<uint64_t>::max();

/// The number in a file that holds nothing else; "max" and missing files are unlimited.
uint64_t number_in(const char* path) {
  std::ifstream file(path);
  uint64_t value = kUnlimited;
  return file >> value ? value : kUnlimited;
}

uint64_t available_of_system() {
  std::ifstream info("/proc/meminfo");
  for (std::string key; info >> key;) {
    uint64_t kilobytes = 0;
    if (key == "MemAvailable:" && info >> kilobytes) return kilobytes * 1024;
    info.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
  }
  return kUnlimited;
}

}  // namespace

uint64_t available_bytes() {
  const uint64_t limit = number_in("/sys/fs/cgroup/memory.max");
  const uint64_t used = number_in("/sys/fs/cgroup/memory.current");
  uint64_t left = kUnlimited;
  if (limit != kUnlimited && used != kUnlimited) left = limit > used ? limit - used : 0;
  return std::min(available_of_system(), left);
}

}  // namespace iclora::runtime
