#include "eval/classifier.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/json.h"
#include "fixtures.h"
#include "image/resize.h"
#include "refusal.h"
#include "scratch.h"
#include "weights/safetensors_writer.h"

namespace iclora::eval {
namespace {

using testing_support::Fixture;
using testing_support::refusal_of;
using testing_support::ScratchFolder;

const std::filesystem::path kFile = ICLORA_FIXTURES "/eval/classifier.safetensors";

std::vector<image::Image> pictures() {
  const at::Tensor bytes = Fixture("eval/expected.safetensors")["pictures"].contiguous();
  std::vector<image::Image> out;
  for (int64_t i = 0; i < bytes.size(0); ++i) {
    image::Image picture(bytes.size(2), bytes.size(1));
    std::copy_n(bytes[i].data_ptr<uint8_t>(), picture.rgb.size(), picture.rgb.data());
    out.push_back(std::move(picture));
  }
  return out;
}

/// The fixture's file with another metadata text, and without the tensor `left_out`.
void write_changed(const std::filesystem::path& path, const std::string& about,
                   const std::string& left_out = "") {
  const auto source = weights::Checkpoint::open(kFile);
  std::vector<weights::TensorHead> heads;
  for (const auto& [name, tensor] : source.tensors()) {
    if (name != left_out) heads.push_back({name, tensor.dtype, tensor.shape});
  }
  weights::SafetensorsWriter writer(path, heads, {{"iclora_classifier", about}});
  for (const auto& [name, tensor] : source.tensors()) {
    if (name != left_out) writer.append(tensor.bytes);
  }
  writer.commit();
}

std::string refusal(const std::filesystem::path& path) {
  return refusal_of([&] { open_classifier(path); });
}

TEST(Classifier, ComputesWhatPyTorchComputes) {
  Fixture expected("eval/expected.safetensors");
  const Classifier classifier = open_classifier(kFile);
  const ClassifierOutput found = classify(classifier, classifier_input(pictures()));
  // fp32 on both sides, sums in another order; logits are of size 1.
  EXPECT_LT((found.features - expected["features"]).abs().max().item<double>(), 1e-4);
  EXPECT_LT((found.logits - expected["logits"]).abs().max().item<double>(), 1e-4);
}

TEST(Classifier, KnowsItsColumns) {
  const Classifier classifier = open_classifier(kFile);
  ASSERT_EQ(classifier.columns.size(), 5u);
  ASSERT_NE(classifier.column("subject"), nullptr);
  EXPECT_EQ(classifier.column("subject")->first, 2);
  EXPECT_EQ(classifier.column("subject")->index_of("bee"), 2);
  EXPECT_EQ(classifier.column("subject")->index_of("wasp"), std::nullopt);
  EXPECT_EQ(classifier.column("word"), nullptr);
}

TEST(Classifier, GuessesTheLikeliestClassOfEachColumn) {
  const Classifier classifier = open_classifier(kFile);
  at::Tensor logits = at::zeros({2, 12});
  logits[0][3] = 5;   // subject dog
  logits[1][10] = 2;  // overlay none
  const auto read = guesses(classifier, logits);
  ASSERT_EQ(read.size(), 2u);
  EXPECT_EQ(read[0][1].index, 1);
  EXPECT_NEAR(read[0][1].probability, std::exp(5.0) / (std::exp(5.0) + 2), 1e-6);
  EXPECT_EQ(read[1][4].index, 0);
  EXPECT_NEAR(read[1][2].probability, 0.5, 1e-6);
}

TEST(Classifier, ReadsPanelsOfAnySize) {
  std::vector<image::Image> panels = pictures();
  const at::Tensor own = classifier_input(panels);
  EXPECT_EQ(own.sizes(), (std::vector<int64_t>{3, 3, 64, 64}));
  EXPECT_FLOAT_EQ(own[1][2][5][7].item<float>(),
                  static_cast<float>(panels[1].row(5)[7 * 3 + 2]) / 127.5f - 1);
  panels[0] = image::resize(panels[0], 128, 96);
  EXPECT_EQ(classifier_input(panels).sizes(), own.sizes());
}

TEST(Classifier, ManyPanelsAtOnceAreReadAsOneByOne) {
  const Classifier classifier = open_classifier(kFile);
  const at::Tensor few = classifier_input(pictures());
  const at::Tensor many = few.repeat({100, 1, 1, 1});
  const at::Tensor last = classify(classifier, many).logits.narrow(0, 297, 3);
  // Sums of another batch size.
  EXPECT_LT((last - classify(classifier, few).logits).abs().max().item<double>(), 1e-5);
}

TEST(Classifier, RefusesOtherFilesInASentence) {
  EXPECT_NE(refusal(ICLORA_FIXTURES "/eval/drawings.safetensors").find("is not a classifier"),
            std::string::npos);
  const ScratchFolder scratch;
  const auto path = scratch / "c.safetensors";
  const std::string about = weights::Checkpoint::open(kFile).metadata().at("iclora_classifier");
  write_changed(path, about);
  EXPECT_EQ(refusal(path), "accepted");
  write_changed(path, about, "same2.bias");
  EXPECT_NE(refusal(path).find("same2.bias"), std::string::npos);
  write_changed(path, about, "down1.weight");
  EXPECT_NE(refusal(path).find("down1.weight"), std::string::npos);
  Json changed = parse_json(about, "");
  changed["columns"][0]["classes"].push_back("other");
  write_changed(path, changed.dump());
  EXPECT_NE(refusal(path).find("head.weight"), std::string::npos);
  changed = parse_json(about, "");
  changed["columns"][1]["classes"][0] = "dog";
  write_changed(path, changed.dump());
  EXPECT_NE(refusal(path).find("must be different"), std::string::npos);
  changed = parse_json(about, "");
  changed["version"] = 2;
  write_changed(path, changed.dump());
  EXPECT_NE(refusal(path).find("version"), std::string::npos);
  changed = parse_json(about, "");
  changed["columns"] = Json::array();
  write_changed(path, changed.dump());
  EXPECT_NE(refusal(path).find("'columns'"), std::string::npos);
  write_changed(path, "{");
  EXPECT_NE(refusal(path).find("not valid JSON"), std::string::npos);
}

}  // namespace
}  // namespace iclora::eval
