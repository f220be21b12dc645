#include "sampling/given_pictures.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.h"
#include "core/file.h"
#include "core/hash.h"
#include "image/read.h"
#include "image/resize.h"
#include "lora/stated.h"
#include "panels/split_picture.h"

namespace iclora::sampling {
namespace {

GivenPanel read_given(GivenPicture& given, const panels::Box& box, const std::string& fit) {
  const std::string origin = "'" + printable(given.image, 400) + "'";
  std::error_code ignored;
  if (!given.sha256.empty() && !std::filesystem::exists(given.image, ignored)) {
    fail_input(
        "The picture of given panel {}, {}, is not there any more; put it back, or name it anew "
        "with --given {}=IMAGE.",
        given.panel, origin, given.panel);
  }
  const std::string bytes = read_file(given.image, image::kMaximumFileBytes);
  const std::string hash = sha256(bytes);
  if (!given.sha256.empty() && given.sha256 != hash) {
    fail_input(
        "The picture of given panel {}, {}, is not the one that was used before: its SHA-256 is "
        "{}, "
        "expected {}; put that one back, or take this one with --given {}=IMAGE.",
        given.panel, origin, hash, printable(given.sha256), given.panel);
  }
  given.sha256 = hash;
  const image::Image picture =
      given.cut ? panels::cut_panel(bytes, *given.cut, origin) : image::decode_image(bytes, origin);
  return {given.panel, fit == "contain" ? image::fit_contain(picture, box.width, box.height)
                                        : image::fit_cover(picture, box.width, box.height)};
}

void refuse_without_given(const Request& request) {
  const char* option = request.condition         ? "--condition"
                       : request.strength        ? "--strength"
                       : request.given_timestep  ? "--given-timestep"
                       : request.given_sees      ? "--given-sees"
                       : request.given_attention ? "--given-attention"
                       : request.given_as        ? "--given-as"
                       : request.given_fit       ? "--given-fit"
                                                 : nullptr;
  if (option != nullptr) {
    fail_input("{} has no effect without a given panel; add --given N=IMAGE.", option);
  }
}

/// Of the first adapter that was trained with given panels; none where none was.
std::optional<lora::GivenTraining> trained_with_given(
    const std::vector<lora::AdapterFile>& adapters) {
  for (const lora::AdapterFile& adapter : adapters) {
    if (const auto training = lora::given_training(adapter)) return training;
  }
  return std::nullopt;
}

void settle_clean(Request& request, const std::optional<lora::GivenTraining>& trained) {
  if (*request.condition != "clean") {
    if (!request.given_timestep && !request.given_sees) return;
    fail_input("{} belongs to --condition clean, but the condition is {}; leave it out.",
               request.given_timestep ? "--given-timestep" : "--given-sees", *request.condition);
  }
  if (!request.given_timestep) {
    const bool zero = request.given_sees == "given" || (trained && trained->at_zero);
    request.given_timestep = zero ? "zero" : "shared";
  }
  const bool zero = *request.given_timestep == "zero";
  if (!request.given_sees) {
    request.given_sees = zero && trained && trained->apart ? "given" : "all";
  }
  if (*request.given_sees == "given" && !zero) {
    fail_input(
        "--given-sees given needs --given-timestep zero, but it is shared: given panels would be "
        "others at each step; leave one of the two out.");
  }
}

void settle_condition(Request& request, const std::vector<lora::AdapterFile>& adapters) {
  const auto trained = trained_with_given(adapters);
  if (!request.condition) request.condition = trained ? "clean" : "replace";
  if (*request.condition == "sdedit") {
    if (!request.strength) request.strength = 1.0;
  } else if (request.strength) {
    fail_input("--strength belongs to --condition sdedit, but the condition is {}; leave it out.",
               *request.condition);
  }
  settle_clean(request, trained);
  if (!request.given_as) request.given_as = "pasted";
  if (!request.given_fit) request.given_fit = "cover";
}

}  // namespace

std::vector<GivenPanel> settle_given(Request& request, const panels::Layout& layout,
                                     const std::vector<lora::AdapterFile>& adapters) {
  std::vector<GivenPanel> out;
  if (request.given.empty()) {
    refuse_without_given(request);
    return out;
  }
  const auto panels = static_cast<int64_t>(layout.boxes.size());
  for (const GivenPicture& given : request.given) {
    if (given.panel > panels) {
      fail_input("--given names panel {}, but the grid {} has {}; use 1 to {}, or another --grid.",
                 given.panel, panels::to_string(layout.grid), panels, panels);
    }
  }
  if (static_cast<int64_t>(request.given.size()) == panels) {
    fail_input("All {} panels are given, so that none is left to generate; leave one out.", panels);
  }
  settle_condition(request, adapters);
  for (GivenPicture& given : request.given) {
    out.push_back(
        read_given(given, layout.boxes[static_cast<size_t>(given.panel - 1)], *request.given_fit));
  }
  return out;
}

}  // namespace iclora::sampling
