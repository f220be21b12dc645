#pragma once
// A joint caption written where its set's form wants it.

#include <filesystem>
#include <optional>

#include "dataset/plan.h"
#include "dataset/read_sets.h"

namespace iclora::dataset {

/// Whether a set has a text that describes it; a trigger alone is none.
bool has_caption(const Set& set);

/// The file that holds, or is going to hold, the caption of a set:
///   folders:  the caption.json or caption.txt that is there; else caption.txt where a dialect is
///             asked for, else caption.json
///   manifest: the manifest
///   canvases: NAME.txt
std::filesystem::path caption_path(const Set& set, Form form,
                                   std::optional<captions::Dialect> dialect);

/// Writes a caption, each file at once or not at all. What else stands in a caption.json or in a
/// manifest's line stays, the trigger of a caption.txt too; other lines of a manifest keep their
/// bytes. Into a new caption.json goes the grid where it is not the stack of the panels. `options`:
/// grid, dialect and trigger, as far as they are asked for. Errors: kind `output`, or exit 2 when a
/// file that is to be changed cannot be read any more.
void write_caption(const Set& set, Form form, const captions::JointCaption& caption,
                   const panels::Grid& grid, const DataOptions& options);

}  // namespace iclora::dataset
