#pragma once
// What this machine is: processor, memory, GPU. Read from the kernel, no tensors.

#include <cstdint>
#include <string>
#include <vector>

namespace iclora::cli {

struct Machine {
  std::string processor;
  int64_t cores = 0;             ///< that this process may use
  std::vector<std::string> isa;  ///< of avx2, avx512f, avx512_bf16, amx_bf16 those it has
  bool bf16 = false;             ///< products of bf16 in hardware
  uint64_t memory_bytes = 0;     ///< the machine's, or the control group's limit if lower
  uint64_t available_bytes = 0;
};
Machine read_machine();

struct Gpu {
  std::string name;
  uint64_t memory_bytes = 0;
  std::string compute_capability;  ///< "9.0"
};
struct GpuSearch {
  std::vector<Gpu> found;
  std::string problem;  ///< one sentence when there is none
};
/// Asks NVIDIA's driver library, loaded for this alone.
GpuSearch find_gpus();

}  // namespace iclora::cli
