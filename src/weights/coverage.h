#pragma once
// What a config asks for against what the files hold. No tensor library here.

#include <string>
#include <vector>

#include "weights/checkpoint.h"
#include "weights/parameter.h"

namespace iclora::weights {

struct Coverage {
  int64_t expected = 0;                  ///< tensors that the config asks for
  int64_t found = 0;                     ///< of them, there with the right shape
  std::vector<std::string> missing;      ///< names
  std::vector<std::string> wrong_shape;  ///< "NAME is [..], expected [..]"
  std::vector<std::string> unexpected;   ///< names of tensors that nothing asks for
};

/// Names with two spellings (CLIP with and without `text_model.`, T5's embedding table) count as
/// one.
Coverage coverage_of(const Checkpoint& checkpoint, const std::vector<ParameterSpec>& parameters);

/// Of a text encoder's `unexpected`, what FLUX.1 rightly leaves out: T5's decoder, CLIP's
/// projections, image half and position numbers.
bool is_no_part_of_encoder(const std::string& name);

}  // namespace iclora::weights
