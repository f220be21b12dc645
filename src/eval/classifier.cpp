#include "eval/classifier.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <set>

#include "core/error.h"
#include "core/hash.h"
#include "core/json.h"
#include "image/resize.h"
#include "runtime/file_weights.h"

namespace iclora::eval {
namespace {

constexpr const char* kMetadata = "iclora_classifier";
constexpr int64_t kVersion = 1;
constexpr int64_t kMostColumns = 256, kMostClasses = 100000;
constexpr int64_t kMostChannels = 4096;
constexpr int64_t kBatch = 256;  // pictures at once, so that memory does not grow with their number

std::vector<Column> read_columns(const Json& about, const std::string& origin) {
  json_integer(about, "version", origin, kVersion, kVersion);
  const auto list = about.find("columns");
  if (list == about.end() || !list->is_array() || list->empty() || list->size() > kMostColumns) {
    fail_input("{}: 'columns' must be a list of 1 to {} columns.", origin, kMostColumns);
  }
  std::vector<Column> columns;
  std::set<std::string> names;
  int64_t first = 0;
  for (const Json& entry : *list) {
    Column column;
    column.first = first;
    column.name = json_string(entry, "name", origin);
    const auto classes = entry.find("classes");
    if (column.name.empty() || !names.insert(column.name).second || classes == entry.end() ||
        !classes->is_array() || classes->empty()) {
      fail_input("{}: the column '{}' has no name of its own, or no list of classes.", origin,
                 printable(column.name));
    }
    std::set<std::string> seen;
    for (const Json& name : *classes) {
      if (!name.is_string() || !seen.insert(name.get<std::string>()).second) {
        fail_input("{}: the classes of '{}' must be different texts.", origin,
                   printable(column.name));
      }
      column.classes.push_back(name.get<std::string>());
    }
    first += static_cast<int64_t>(column.classes.size());
    if (first > kMostClasses) fail_input("{}: more than {} classes.", origin, kMostClasses);
    columns.push_back(std::move(column));
  }
  return columns;
}

/// Output and input channels of a stored layer: sizes are the file's own, their fit is checked.
int64_t rows_of(const runtime::FileWeights& source, const std::string& layer,
                const std::string& origin) {
  const weights::StoredTensor* tensor = source.checkpoint().find(layer + ".weight");
  if (tensor == nullptr || tensor->shape.empty() || tensor->shape[0] < 1 ||
      tensor->shape[0] > kMostChannels) {
    fail_input("{} has no tensor '{}.weight' of 1 to {} rows; it is not a classifier's file.",
               origin, layer, kMostChannels);
  }
  return tensor->shape[0];
}

ClassifierLayer read_layer(runtime::FileWeights& source, const std::string& name,
                           std::vector<int64_t> shape, const std::string& origin) {
  ClassifierLayer layer;
  const int64_t rows = shape[0];
  layer.weight = source.get(name + ".weight", shape, at::kFloat);
  layer.bias = source.get(name + ".bias", {rows}, at::kFloat);
  if (!at::isfinite(layer.weight).all().item<bool>() ||
      !at::isfinite(layer.bias).all().item<bool>()) {
    fail_input("{}: the layer '{}' holds values that are not finite numbers.", origin, name);
  }
  return layer;
}

at::Tensor convolve(const ClassifierLayer& layer, const at::Tensor& x, int64_t stride) {
  return at::conv2d(x, layer.weight, layer.bias, {stride, stride}, {1, 1}).relu_();
}

ClassifierOutput classify_batch(const Classifier& classifier, const at::Tensor& pixels) {
  at::Tensor x = convolve(classifier.convolutions[0], at::pixel_unshuffle(pixels, 2), 1);
  for (size_t i = 1; i < classifier.convolutions.size(); i += 2) {
    x = convolve(classifier.convolutions[i], x, 2);
    x = x + convolve(classifier.convolutions[i + 1], x, 1);
  }
  const at::Tensor pooled = at::cat({x.mean({2, 3}), x.amax({2, 3})}, 1);
  ClassifierOutput out;
  out.features = at::linear(pooled, classifier.feature.weight, classifier.feature.bias).relu_();
  out.logits = at::linear(out.features, classifier.head.weight, classifier.head.bias);
  return out;
}

}  // namespace

std::optional<int64_t> Column::index_of(std::string_view class_name) const {
  const auto found = std::find(classes.begin(), classes.end(), class_name);
  if (found == classes.end()) return std::nullopt;
  return found - classes.begin();
}

const Column* Classifier::column(std::string_view name) const {
  for (const Column& column : columns) {
    if (column.name == name) return &column;
  }
  return nullptr;
}

Classifier open_classifier(const std::filesystem::path& path) {
  const std::string origin = "'" + printable(path.native(), 400) + "'";
  runtime::FileWeights source(weights::Checkpoint::open(path));
  const auto& metadata = source.checkpoint().metadata();
  const auto about = metadata.find(kMetadata);
  if (about == metadata.end()) {
    fail_input("{} is not a classifier: its metadata has no '{}'; tools/classifier makes one.",
               origin, kMetadata);
  }
  Classifier out;
  out.columns =
      read_columns(parse_json(about->second, origin + ", " + kMetadata), origin + ", " + kMetadata);
  const std::array<const char*, 7> names = {"stem",  "down1", "same1", "down2",
                                            "same2", "down3", "same3"};
  int64_t inputs = 3 * 2 * 2;
  for (size_t i = 0; i < names.size(); ++i) {
    // The layers named `same` are added to their input.
    const bool same = i > 0 && i % 2 == 0;
    const int64_t outputs = same ? inputs : rows_of(source, names[i], origin);
    out.convolutions[i] = read_layer(source, names[i], {outputs, inputs, 3, 3}, origin);
    inputs = outputs;
  }
  const int64_t features = rows_of(source, "feature", origin);
  out.feature = read_layer(source, "feature", {features, 2 * inputs}, origin);
  const Column& last = out.columns.back();
  out.head = read_layer(source, "head",
                        {last.first + static_cast<int64_t>(last.classes.size()), features}, origin);
  out.sha256 = sha256_of_file(path);
  return out;
}

at::Tensor classifier_input(const std::vector<image::Image>& panels) {
  const int64_t side = kClassifierSide;
  at::Tensor bytes = at::empty({static_cast<int64_t>(panels.size()), side, side, 3}, at::kByte);
  auto* out = bytes.data_ptr<uint8_t>();
  for (const image::Image& panel : panels) {
    const bool fits = panel.width == side && panel.height == side;
    const image::Image resized = fits ? panel : image::resize(panel, side, side);
    out = std::copy(resized.rgb.begin(), resized.rgb.end(), out);
  }
  return bytes.permute({0, 3, 1, 2}).to(at::kFloat).div_(127.5).sub_(1).contiguous();
}

ClassifierOutput classify(const Classifier& classifier, const at::Tensor& pixels) {
  const c10::NoGradGuard no_grad;
  std::vector<at::Tensor> features, logits;
  for (const at::Tensor& part : pixels.split(kBatch)) {
    const ClassifierOutput one = classify_batch(classifier, part);
    features.push_back(one.features);
    logits.push_back(one.logits);
  }
  return {at::cat(features), at::cat(logits)};
}

std::vector<std::vector<Guess>> guesses(const Classifier& classifier, const at::Tensor& logits) {
  std::vector<std::vector<Guess>> out(static_cast<size_t>(logits.size(0)));
  for (const Column& column : classifier.columns) {
    const auto count = static_cast<int64_t>(column.classes.size());
    const auto [likelihood, index] = at::softmax(logits.narrow(1, column.first, count), 1).max(1);
    for (size_t i = 0; i < out.size(); ++i) {
      const auto row = static_cast<int64_t>(i);
      out[i].push_back({index[row].item<int64_t>(), likelihood[row].item<double>()});
    }
  }
  return out;
}

}  // namespace iclora::eval
