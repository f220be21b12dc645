#include "sampling/revise.h"

#include <fmt/format.h>

#include <algorithm>

#include "captions/joint_caption.h"
#include "core/error.h"
#include "image/png_chunks.h"
#include "sampling/picture.h"

namespace iclora::sampling {
namespace {

std::string quoted(const std::filesystem::path& picture) {
  return "'" + printable(picture.native(), 400) + "'";
}

/// The joint caption as the text encoders read it.
std::string caption_of(const std::filesystem::path& picture) {
  const std::string origin = quoted(picture) + ": iclora";
  return json_string(parse_json(image::read_texts(picture).at("iclora"), origin), "prompt", origin);
}

/// The picture's request, with all of its panels given but those in `anew`.
Request with_kept_panels(const std::filesystem::path& picture, const std::vector<int64_t>& anew) {
  Request request = request_of_picture(picture);
  if (!request.grid || !request.panel) {
    fail_input("{} does not say which panels it has.", quoted(picture));
  }
  const bool conditioned = !request.given.empty();
  request.given.clear();
  for (int64_t number = 1; number <= request.grid->count(); ++number) {
    if (std::find(anew.begin(), anew.end(), number) != anew.end()) continue;
    request.given.push_back({number, picture.native(), number, ""});
  }
  if (!conditioned) {
    request.condition.reset();
    request.strength.reset();
    request.given_timestep.reset();
    request.given_sees.reset();
  }
  // What is kept is kept as it is.
  request.given_as.reset();
  request.given_fit.reset();
  // A noise file was for the old picture.
  request.noise.reset();
  request.noise_index = 0;
  request.seed.reset();
  return request;
}

panels::Grid grown(const panels::Grid& grid, int64_t more) {
  if (grid.rows == 1 && grid.columns > 1) return {1, grid.columns + more};
  if (more % grid.columns != 0) {
    fail_input(
        "A set of {} grows by whole rows of {} panels, but --extend is given {} times; give it {} "
        "times.",
        panels::to_string(grid), grid.columns, more,
        (more + grid.columns - 1) / grid.columns * grid.columns);
  }
  return {grid.rows + more / grid.columns, grid.columns};
}

bool counts_on(captions::Dialect dialect) {
  return dialect == captions::Dialect::scene || dialect == captions::Dialect::image ||
         dialect == captions::Dialect::panel;
}

}  // namespace

Request redo_panels(const std::filesystem::path& picture, const std::vector<int64_t>& numbers) {
  Request request = with_kept_panels(picture, numbers);
  const int64_t panels = request.grid->count();
  for (size_t i = 0; i < numbers.size(); ++i) {
    if (numbers[i] < 1 || numbers[i] > panels) {
      fail_input("--redo names panel {}, but {} has {}; use 1 to {}.", numbers[i], quoted(picture),
                 panels, panels);
    }
    if (std::find(numbers.begin(), numbers.begin() + static_cast<std::ptrdiff_t>(i), numbers[i]) !=
        numbers.begin() + static_cast<std::ptrdiff_t>(i)) {
      fail_input("--redo names panel {} twice.", numbers[i]);
    }
  }
  if (request.given.empty()) {
    fail_input("--redo leaves no panel of {} as it is; use --from with another --seed instead.",
               quoted(picture));
  }
  return request;
}

Request extend_set(const std::filesystem::path& picture, const std::vector<std::string>& parts) {
  Request request = with_kept_panels(picture, {});
  const captions::Parsed parsed = captions::parse(caption_of(picture));
  const auto old = static_cast<size_t>(request.grid->count());
  if (old > 1 && parsed.caption.panels.size() != old) {
    fail_input(
        "The caption of {} has {} parts for its {} panels, so that --extend cannot continue it; "
        "name the panels with --given and the whole caption with --prompt.",
        quoted(picture), parsed.caption.panels.size(), old);
  }
  // A single panel's caption has no part of its own: it is the new set's first part.
  captions::JointCaption caption = parsed.caption;
  if (old == 1 && caption.panels.empty()) {
    caption.panels.push_back(caption.overall);
    caption.overall.clear();
  }
  caption.panels.insert(caption.panels.end(), parts.begin(), parts.end());
  request.grid = grown(*request.grid, static_cast<int64_t>(parts.size()));
  request.prompt = captions::squeeze(caption.trigger + " " + caption.overall);
  request.panel_prompts = caption.panels;
  const bool counting = parsed.dialect && counts_on(*parsed.dialect);
  request.dialect = captions::name_of(counting ? *parsed.dialect : captions::Dialect::scene);
  return request;
}

}  // namespace iclora::sampling
