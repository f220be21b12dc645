#pragma once
// Attaching adapter files to a transformer.

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "flux/transformer.h"
#include "lora/adapter_file.h"
#include "runtime/file_weights.h"
#include "weights/checkpoint.h"

namespace iclora::sampling {

/// What became of one file's tensors.
struct AttachReport {
  std::vector<std::string> matched;       ///< modules
  std::vector<std::string> unmatched;     ///< keys of no module of this model
  std::vector<std::string> incompatible;  ///< modules whose sizes differ, in words
};

/// Which pairs of a file fit which layers, nothing attached.
AttachReport match_adapter(flux::Transformer& transformer, const lora::AdapterFile& adapter);
AttachReport match_adapter(const weights::Checkpoint& transformer,
                           const lora::AdapterFile& adapter);

/// Whether it can be attached, before anything is loaded: a warning for every tensor that fits
/// nothing, and the errors of attach_adapter that need no values.
void check_adapter(const weights::Checkpoint& transformer, const lora::AdapterFile& adapter,
                   bool allow_unmatched);

/// A half of one of the file's pairs, fp32, contiguous; `source` is of its checkpoint. Errors (exit
/// 2): values that are not finite.
at::Tensor load_half(runtime::FileWeights& source, const lora::AdapterFile& adapter,
                     const lora::Block& block);

/// Adds the file to the layers' adapters with scale * strength. Errors (exit 2): sizes that differ;
/// keys that match nothing, unless `allow_unmatched`; values that are not finite.
AttachReport attach_adapter(flux::Transformer& transformer, const lora::AdapterFile& adapter,
                            double strength, bool allow_unmatched);

}  // namespace iclora::sampling
