#include "eval/distance.h"

#include <gtest/gtest.h>

#include "core/error.h"
#include "fixtures.h"

namespace iclora::eval {
namespace {

using testing_support::Fixture;

const std::filesystem::path kClassifier = ICLORA_FIXTURES "/eval/classifier.safetensors";
const std::filesystem::path kDrawings = ICLORA_FIXTURES "/eval/drawings.safetensors";

TEST(Distance, IsWhatEigenvaluesOfTheProductGive) {
  Fixture expected("eval/expected.safetensors");
  const Moments drawings = open_moments(kDrawings, open_classifier(kClassifier));
  EXPECT_EQ(drawings.count, 60);
  const Moments generated = moments_of(expected["generated"]);
  // Moments of the drawings were rounded to fp32 on the way.
  EXPECT_NEAR(frechet_distance(generated, drawings), expected["frechet"].item<double>(), 1e-4);
  EXPECT_NEAR(mean_distance(generated, drawings), expected["mean_distance"].item<double>(), 1e-5);
}

TEST(Distance, OfASetToItselfIsNothing) {
  const Moments one = moments_of(Fixture("eval/expected.safetensors")["generated"]);
  EXPECT_NEAR(frechet_distance(one, one), 0, 1e-6);  // roots of eigenvalues that are nearly 0
  EXPECT_EQ(mean_distance(one, one), 0);
}

TEST(Distance, OfDiagonalDistributionsIsTheFormula) {
  const Moments a{at::zeros({2}, at::kDouble), at::diag(at::tensor({4.0, 9.0}, at::kDouble)), 10};
  const Moments b{at::ones({2}, at::kDouble), at::diag(at::tensor({1.0, 1.0}, at::kDouble)), 10};
  EXPECT_NEAR(frechet_distance(a, b), 2 + 1 + 4, 1e-9);  // 1 + 1, (2 - 1)^2, (3 - 1)^2
}

TEST(Distance, RefusesFeaturesOfAnotherClassifier) {
  Classifier other = open_classifier(kClassifier);
  EXPECT_THROW(open_moments(kClassifier, other), Error);
  other.sha256 = std::string(64, '0');
  try {
    open_moments(kDrawings, other);
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("another classifier"), std::string::npos);
  }
}

}  // namespace
}  // namespace iclora::eval
