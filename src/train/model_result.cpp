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

/// The files of the base but for the transformer's weights, under any name it has them. Of folders
/// its parts alone: others are not the model's, and a run may stand in one of them.
void copy_base(const fs::path& base, const fs::path& to) {
  constexpr const char* kParts[] = {"transformer", "text_encoder", "text_encoder_2", "tokenizer",
                                    "tokenizer_2", "vae",          "scheduler"};
  const auto copy_files = [&](const fs::path& from, const fs::path& into) {
    create_folders(into);
    for (const auto& entry : fs::directory_iterator(from)) {
      if (entry.is_regular_file()) link_or_copy(entry.path(), into / entry.path().filename());
    }
  };
  copy_files(base, to);
  for (const std::string part : kParts) {
    if (part != "transformer") {
      copy_files(base / part, to / part);
      continue;
    }
    create_folders(to / part);
    link_or_copy(base / part / "config.json", to / part / "config.json");
  }
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
    copy_base(base.path, aside);
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
