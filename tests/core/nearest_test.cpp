#include "core/nearest.h"

#include <gtest/gtest.h>

#include <vector>

namespace iclora {
namespace {

TEST(Nearest, FindsTheSlipsOfFingers) {
  const std::vector<std::string> known = {"train", "model", "save", "learning_rate"};
  EXPECT_EQ(nearest("trian", known), "train");
  EXPECT_EQ(nearest("modle", known), "model");
  EXPECT_EQ(nearest("rtain", known), "train");
  EXPECT_EQ(nearest("sve", known), "save");
  EXPECT_EQ(nearest("saves", known), "save");
  EXPECT_EQ(nearest("lerning_rates", known), "learning_rate");
  EXPECT_EQ(nearest("train", known), "train");
}

TEST(Nearest, KeepsSilentWhereNothingIsNear) {
  const std::vector<std::string> known = {"train", "model"};
  EXPECT_FALSE(nearest("niart", known));
  EXPECT_FALSE(nearest("", std::vector<std::string>{"ab"}));
  EXPECT_FALSE(nearest("xyz", std::vector<std::string>{}));
  EXPECT_FALSE(nearest(std::string(300, 'a'), known));
}

}  // namespace
}  // namespace iclora
