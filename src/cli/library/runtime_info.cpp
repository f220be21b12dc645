#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>

#include "cli/library/verbs.h"

namespace iclora::cli {
namespace {

/// The version of the libtorch that was loaded; the headers would tell what was compiled against.
std::string loaded_version() {
  const std::string config = at::show_config();
  const std::string key = "TORCH_VERSION=";
  const size_t begin = config.find(key);
  if (begin == std::string::npos) return "";
  const size_t end = config.find_first_of(", \n", begin + key.size());
  return config.substr(begin + key.size(), end - begin - key.size());
}

}  // namespace

Json runtime_info(const Json&, Progress&) {
  return Json{{"torch", loaded_version()},
              {"cpu_capability", at::get_cpu_capability()},
              {"threads", at::get_num_threads()},
              {"onednn", at::hasMKLDNN()},
              {"mkl", at::hasMKL()},
              {"dtypes", Json::array({"fp32", "bf16"})}};
}

}  // namespace iclora::cli
