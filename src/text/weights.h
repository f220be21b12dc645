#pragma once
// Every weight of the text encoders by its name in the checkpoint, for whoever trains them.

#include <functional>
#include <string>

#include "text/clip.h"
#include "text/t5.h"

namespace iclora::text {

using VisitWeight = std::function<void(const std::string& name, at::Tensor& weight)>;

/// In the order of the forward pass.
void for_each_weight(ClipEncoder& encoder, const VisitWeight& visit);
void for_each_weight(T5Encoder& encoder, const VisitWeight& visit);

}  // namespace iclora::text
