#pragma once
// From what was asked to what will be done: every default settled, every input read and checked.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "captions/joint_caption.h"
#include "lora/adapter_file.h"
#include "panels/layout.h"
#include "sampling/given_pictures.h"
#include "sampling/method.h"
#include "sampling/model.h"
#include "sampling/request.h"

namespace iclora::sampling {

/// Ready to run. `request` is complete: seed, grid, panel, dtype, device, text length are set.
struct Resolved : OpenModel {
  Request request;
  panels::Layout layout;
  Method method = Method::canvas;
  std::string joint_prompt;           ///< of all panels, with their markers
  std::vector<std::string> captions;  ///< what the text encoders read: it, or one a panel (gdt)
  std::vector<lora::AdapterFile> adapters;
  std::vector<std::string> loras_sha256;  ///< of the adapters' files
  std::string noise_sha256;               ///< of the file of noise; empty: none
  std::vector<GivenPanel> given;
};

/// `model_search`: folders in which a model's name is looked up. Nothing is computed or written.
Resolved resolve(Request request, const std::vector<std::filesystem::path>& model_search);

}  // namespace iclora::sampling
