#pragma once
// Every weight of the autoencoder by its name in the checkpoint, for whoever trains it.

#include <functional>
#include <string>

#include "vae/autoencoder.h"

namespace iclora::vae {

using VisitWeight = std::function<void(const std::string& name, at::Tensor& weight)>;

/// In the order of the forward pass.
void for_each_weight(Encoder& encoder, const VisitWeight& visit);
void for_each_weight(Decoder& decoder, const VisitWeight& visit);

/// The last convolution of every residual branch: born zero, a deep stack begins as the identity.
void for_each_residual_end(Encoder& encoder, const VisitWeight& visit);
void for_each_residual_end(Decoder& decoder, const VisitWeight& visit);

}  // namespace iclora::vae
