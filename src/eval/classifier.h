#pragma once
// The classifier of flux-mini's world: what a panel shows, column by column (subject, style,
// background, ...). tools/classifier trains it and writes its file: a safetensors with half
// precision weights, whose metadata `iclora_classifier` is the JSON {"version": 1, "columns":
// [{"name", "classes": [...]}, ...]}. Seven 3x3 convolutions over the picture with its pixels in
// 2x2 blocks unfolded, mean and maximum over what remains, a feature vector, one linear head.

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "image/image.h"

namespace iclora::eval {

inline constexpr int64_t kClassifierSide = 64;  ///< pixels of a panel as it is read

/// One thing that is read of a panel. Every column is read of every panel; whether it makes sense
/// (a word on a picture of a cat) is for the caller to know.
struct Column {
  std::string name;
  std::vector<std::string> classes;
  int64_t first = 0;  ///< of its logits among all
  /// Index of a class; none where there is no such.
  std::optional<int64_t> index_of(std::string_view class_name) const;
};

struct ClassifierLayer {
  at::Tensor weight;  ///< fp32 [out, in, 3, 3] or [out, in]
  at::Tensor bias;    ///< fp32 [out]
};

struct Classifier {
  std::vector<Column> columns;
  std::array<ClassifierLayer, 7> convolutions;  ///< stem, down1, same1, down2, same2, down3, same3
  ClassifierLayer feature, head;
  std::string sha256;  ///< of the file

  /// nullptr where there is no such column.
  const Column* column(std::string_view name) const;
};

/// Errors (exit 2) name the file and what is wrong with it.
Classifier open_classifier(const std::filesystem::path& path);

/// fp32 [N, 3, 64, 64] in -1..1; pictures of another size are resized to it.
at::Tensor classifier_input(const std::vector<image::Image>& panels);

struct ClassifierOutput {
  at::Tensor features;  ///< fp32 [N, F], the vector below the head
  at::Tensor logits;    ///< fp32 [N, classes of all columns]
};
/// pixels: fp32 [N, 3, 64, 64] in -1..1.
ClassifierOutput classify(const Classifier& classifier, const at::Tensor& pixels);

/// The likeliest class of one column and how likely it is.
struct Guess {
  int64_t index = 0;
  double probability = 0;
};
/// One Guess a column for each panel, [N][columns].
std::vector<std::vector<Guess>> guesses(const Classifier& classifier, const at::Tensor& logits);

}  // namespace iclora::eval
