#pragma once
// How the panels of a set stand before the transformer (docs/methods.md):
//
//   canvas  side by side in one picture, under one joint caption (In-Context LoRA, arXiv
//   2410.23775) gdt     each a sequence of its own under a caption of its own, in one joint
//   attention (Group
//           Diffusion Transformers, arXiv 2410.15027)
//
// A single panel is the same in both: one picture under one caption.

#include <string>
#include <string_view>
#include <vector>

#include "captions/joint_caption.h"
#include "flux/panel_sequences.h"
#include "lora/adapter_file.h"
#include "panels/layout.h"

namespace iclora::sampling {

enum class Method { canvas, gdt };

/// "canvas" or "gdt". Error (exit 2) for another name; `origin` says where it stands.
Method method_from_name(std::string_view name, const std::string& origin);
std::string_view name_of(Method method);

/// The method that the first adapter which states one was trained by; canvas where none does.
/// Error (exit 2) for a method that is not known here.
Method trained_method(const std::vector<lora::AdapterFile>& adapters);

/// The panels that are sequences of their own, in latent pixels; none where there is one picture.
std::vector<flux::LatentBox> panel_sequences(Method method, const panels::Layout& layout);

/// What the text encoders read for `panels` panels: the joint caption `text`, or what it says of
/// each panel (captions::panel_captions). Error (exit 2) where its parts are of another number.
std::vector<std::string> captions_of(Method method, const std::string& text, size_t panels);

}  // namespace iclora::sampling
