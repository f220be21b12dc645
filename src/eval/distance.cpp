#include "eval/distance.h"

#include <ATen/ATen.h>

#include <charconv>

#include "core/error.h"
#include "runtime/file_weights.h"

namespace iclora::eval {

Moments moments_of(const at::Tensor& features) {
  const at::Tensor wide = features.to(at::kDouble);
  Moments out;
  out.count = wide.size(0);
  out.mean = wide.mean(0);
  const at::Tensor centred = wide - out.mean;
  out.covariance = centred.t().mm(centred) / static_cast<double>(out.count - 1);
  return out;
}

Moments open_moments(const std::filesystem::path& path, const Classifier& classifier) {
  const std::string origin = "'" + printable(path.native(), 400) + "'";
  runtime::FileWeights source(weights::Checkpoint::open(path));
  const auto& metadata = source.checkpoint().metadata();
  const auto hash = metadata.find("classifier");
  const auto count = metadata.find("count");
  Moments out;
  if (hash == metadata.end() || count == metadata.end() ||
      std::from_chars(count->second.data(), count->second.data() + count->second.size(), out.count)
              .ec != std::errc() ||
      out.count < 2) {
    fail_input(
        "{} does not hold features of drawings: its metadata lacks 'classifier' or 'count'; "
        "tools/classifier/features makes such a file.",
        origin);
  }
  if (hash->second != classifier.sha256) {
    fail_input(
        "{} was made with another classifier; make it anew with tools/classifier/features, or name "
        "the classifier it belongs to.",
        origin);
  }
  const int64_t size = classifier.feature.bias.size(0);
  out.mean = source.get("mean", {size}, at::kFloat).to(at::kDouble);
  out.covariance = source.get("covariance", {size, size}, at::kFloat).to(at::kDouble);
  if (!at::isfinite(out.mean).all().item<bool>() ||
      !at::isfinite(out.covariance).all().item<bool>()) {
    fail_input("{} holds values that are not finite numbers.", origin);
  }
  return out;
}

double frechet_distance(const Moments& a, const Moments& b) {
  // tr((C1 C2)^(1/2)) is the sum of the roots of the eigenvalues of R C2 R with R = C1^(1/2), which
  // is symmetric: no complex numbers come up.
  const auto [values, vectors] = at::linalg_eigh(a.covariance);
  const at::Tensor root = (vectors * values.clamp_min(0).sqrt()).mm(vectors.t());
  const at::Tensor middle = root.mm(b.covariance).mm(root);
  const at::Tensor eigenvalues = at::linalg_eigvalsh((middle + middle.t()) / 2);
  const double cross = eigenvalues.clamp_min(0).sqrt().sum().item<double>();
  const double spread = (a.covariance.trace() + b.covariance.trace()).item<double>();
  const double apart = (a.mean - b.mean).square().sum().item<double>();
  return std::max(0.0, apart + spread - 2 * cross);
}

double mean_distance(const Moments& a, const Moments& b) {
  return (a.mean - b.mean).norm().item<double>();
}

}  // namespace iclora::eval
