#include "lora/stated.h"

#include <gtest/gtest.h>

namespace iclora::lora {
namespace {

AdapterFile with(const std::optional<Json>& metadata) {
  AdapterFile adapter;
  adapter.iclora = metadata;
  return adapter;
}

TEST(Stated, IsATextOfTheMetadata) {
  const AdapterFile adapter = with(
      Json{{"trigger", "[MUGS]"}, {"grid", ""}, {"panel", 64}, {"training", {{"steps", 600}}}});
  EXPECT_EQ(stated(adapter, "trigger"), "[MUGS]");
  for (const char* key : {"grid", "panel", "dialect", "training"}) {
    EXPECT_EQ(stated(adapter, key), std::nullopt) << key;
  }
}

TEST(Stated, OfTheTrainingIsAnyMember) {
  const AdapterFile adapter = with(Json{{"training", {{"steps", 600}, {"method", "gdt"}}}});
  ASSERT_NE(stated_training(adapter, "steps"), nullptr);
  EXPECT_EQ(*stated_training(adapter, "steps"), 600);
  EXPECT_EQ(*stated_training(adapter, "method"), "gdt");
  EXPECT_EQ(stated_training(adapter, "seed"), nullptr);
}

// What another program has written there is no reason to fail.
TEST(Stated, IsNothingWhereTheMetadataIsOfAnotherKind) {
  for (const auto& metadata :
       {std::optional<Json>(), std::optional<Json>(Json::array({"trigger"})),
        std::optional<Json>("trigger"), std::optional<Json>(Json{{"training", "long"}})}) {
    EXPECT_EQ(stated(with(metadata), "trigger"), std::nullopt);
    EXPECT_EQ(stated_training(with(metadata), "steps"), nullptr);
  }
}

}  // namespace
}  // namespace iclora::lora
