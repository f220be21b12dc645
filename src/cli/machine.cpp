#include "cli/machine.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <set>
#include <sstream>

namespace iclora::cli {
namespace {

/// "model name\t: X" -> X of the first line that begins with `key`.
std::string field(const std::string& file, const std::string& key) {
  std::ifstream stream(file);
  for (std::string line; std::getline(stream, line);) {
    if (line.rfind(key, 0) != 0) continue;
    const size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    const size_t begin = line.find_first_not_of(" \t", colon + 1);
    return begin == std::string::npos ? "" : line.substr(begin);
  }
  return "";
}

uint64_t memory_field(const std::string& key) {
  std::istringstream text(field("/proc/meminfo", key));
  uint64_t kibibytes = 0;
  text >> kibibytes;
  return kibibytes * 1024;
}

/// The limit of the control group, where there is one.
uint64_t group_limit() {
  for (const char* file :
       {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
    std::ifstream stream(file);
    uint64_t limit = 0;
    if (stream >> limit) return limit;
  }
  return UINT64_MAX;
}

}  // namespace

Machine read_machine() {
  Machine machine;
  machine.processor = field("/proc/cpuinfo", "model name");
  cpu_set_t set;
  machine.cores = ::sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set)
                                                                 : ::sysconf(_SC_NPROCESSORS_ONLN);
  std::istringstream flags(field("/proc/cpuinfo", "flags"));
  const std::set<std::string> known(std::istream_iterator<std::string>(flags), {});
  for (const char* name : {"avx2", "avx512f", "avx512_bf16", "amx_bf16"}) {
    if (known.contains(name)) machine.isa.push_back(name);
  }
  machine.bf16 = known.contains("avx512_bf16") || known.contains("amx_bf16");
  machine.memory_bytes = std::min(memory_field("MemTotal"), group_limit());
  machine.available_bytes = std::min(memory_field("MemAvailable"), machine.memory_bytes);
  return machine;
}

GpuSearch find_gpus() {
  GpuSearch search;
  void* driver = ::dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (driver == nullptr) {
    search.problem = "NVIDIA's driver library libcuda.so.1 is not installed";
    return search;
  }
  const auto find = [&]<typename Function>(Function*& function, const char* name) {
    function = reinterpret_cast<Function*>(::dlsym(driver, name));
    return function != nullptr;
  };
  int (*initialize)(unsigned) = nullptr;
  int (*count)(int*) = nullptr;
  int (*device_name)(char*, int, int) = nullptr;
  int (*total_memory)(size_t*, int) = nullptr;
  int (*attribute)(int*, int, int) = nullptr;
  int devices = 0;
  if (!find(initialize, "cuInit") || !find(count, "cuDeviceGetCount") ||
      !find(device_name, "cuDeviceGetName") || !find(total_memory, "cuDeviceTotalMem_v2") ||
      !find(attribute, "cuDeviceGetAttribute")) {
    search.problem = "libcuda.so.1 is too old";
  } else if (const int error = initialize(0); error != 0) {
    search.problem = fmt::format("NVIDIA's driver does not start (CUDA error {})", error);
  } else if (count(&devices) != 0 || devices == 0) {
    search.problem = "NVIDIA's driver is there, but sees no GPU";
  }
  // CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR and _MINOR of the driver's interface.
  constexpr int kMajor = 75, kMinor = 76;
  for (int device = 0; search.problem.empty() && device < devices; ++device) {
    std::array<char, 128> name = {};
    size_t memory = 0;
    int major = 0, minor = 0;
    device_name(name.data(), static_cast<int>(name.size()) - 1, device);
    total_memory(&memory, device);
    attribute(&major, kMajor, device);
    attribute(&minor, kMinor, device);
    search.found.push_back({name.data(), memory, fmt::format("{}.{}", major, minor)});
  }
  ::dlclose(driver);
  return search;
}

}  // namespace iclora::cli
