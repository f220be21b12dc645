#pragma once
// How far the features of generated panels lie from those of real drawings.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <string>

#include "eval/classifier.h"

namespace iclora::eval {

/// Mean and covariance of features, fp64.
struct Moments {
  at::Tensor mean;        ///< [F]
  at::Tensor covariance;  ///< [F, F], of the sample (divided by N - 1)
  int64_t count = 0;
};

/// features: [N, F], N at least 2.
Moments moments_of(const at::Tensor& features);

/// Of real drawings, from a file that tools/classifier writes (`mean`, `covariance`, fp32;
/// metadata `count`, `classifier` = sha256 of the classifier's file). Errors (exit 2) name the
/// file, also when the features are another classifier's.
Moments open_moments(const std::filesystem::path& path, const Classifier& classifier);

/// Frechet distance of two normal distributions (Heusel et al., arXiv:1706.08500), the one behind
/// FID: |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)). It shrinks with more samples: compare runs of
/// the same number of panels.
double frechet_distance(const Moments& a, const Moments& b);
/// |m1 - m2|, hardly biased by the number of samples.
double mean_distance(const Moments& a, const Moments& b);

}  // namespace iclora::eval
