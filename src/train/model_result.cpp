#include "train/model_result.h"

#include <ATen/ATen.h>

#include "core/error.h"
#include "core/file.h"
#include "run/disk_space.h"
#include "train/result_file.h"

namespace iclora::train {
namespace {

namespace fs = std::filesystem;

void link_or_copy(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::create_hard_link(fs::canonical(from), to, error);
  if (!error) return;
  fs::copy_file(from, to, error);
  if (error) run::fail_to_write(to, error.value(), fs::file_size(from));
}

/// The transformer's weights, under any name the base has them.
bool is_replaced(const fs::path& relative) {
  return *relative.begin() == "transformer" && relative.filename() != "config.json";
}

}  // namespace

void write_model(const fs::path& folder, const weights::ModelFolder& base,
                 const TrainedTensors& trained, const std::vector<at::Tensor>& values,
                 run::SavePrecision dtype) {
  fs::path aside = folder;
  aside += ".part";
  fs::remove_all(aside);
  create_folders(aside);
  try {
    for (const auto& entry : fs::recursive_directory_iterator(
             base.path, fs::directory_options::follow_directory_symlink)) {
      const fs::path relative = entry.path().lexically_relative(base.path);
      if (entry.is_directory()) {
        create_folders(aside / relative);
      } else if (entry.is_regular_file() && !is_replaced(relative)) {
        link_or_copy(entry.path(), aside / relative);
      }
    }
    write_weights(aside / "transformer" / "diffusion_pytorch_model.safetensors", trained, values,
                  dtype);
    fs::remove_all(folder);
    fs::rename(aside, folder);
    sync_folder(folder.parent_path());
  } catch (...) {
    std::error_code ignored;
    fs::remove_all(aside, ignored);
    throw;
  }
}

}  // namespace iclora::train
