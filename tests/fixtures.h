#pragma once
// Tensors that the reference implementation dumped (tools/reference/).

#include <ATen/ATen.h>

#include <string>

#include "runtime/file_weights.h"

namespace iclora::testing_support {

class Fixture {
 public:
  explicit Fixture(const std::string& name)
      : weights_(weights::Checkpoint::open(std::string(ICLORA_FIXTURES "/") + name)) {}

  bool contains(const std::string& name) const { return weights_.contains(name); }
  /// As stored.
  at::Tensor operator[](const std::string& name) {
    const weights::StoredTensor* tensor = weights_.checkpoint().find(name);
    if (tensor == nullptr) throw std::runtime_error("no fixture tensor " + name);
    if (tensor->dtype == weights::Dtype::i64 || tensor->dtype == weights::Dtype::u8) {
      return at::from_blob(const_cast<std::byte*>(tensor->bytes.data()), tensor->shape,
                           tensor->dtype == weights::Dtype::i64 ? at::kLong : at::kByte)
          .clone();
    }
    return weights_.get(name, tensor->shape, at::kFloat);
  }
  const std::map<std::string, std::string>& metadata() const {
    return weights_.checkpoint().metadata();
  }

 private:
  runtime::FileWeights weights_;
};

}  // namespace iclora::testing_support
