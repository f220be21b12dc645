#include "train/replay.h"

#include <ATen/ATen.h>
#include <fmt/ranges.h>

#include <set>

#include "core/error.h"
#include "runtime/file_weights.h"

namespace iclora::train {
namespace {

using Shape = std::vector<int64_t>;

const Shape& shape_of(const weights::Checkpoint& checkpoint, const std::string& name,
                      const std::string& origin) {
  const weights::StoredTensor* stored = checkpoint.find(name);
  if (stored == nullptr) fail_input("{} has no tensor '{}'.", origin, name);
  return stored->shape;
}

void expect_shape(const weights::Checkpoint& checkpoint, const std::string& name,
                  const Shape& expected, const std::string& origin) {
  const Shape& found = shape_of(checkpoint, name, origin);
  if (found != expected) {
    fail_input("{}: '{}' has the shape [{}], expected [{}].", origin, name, fmt::join(found, ", "),
               fmt::join(expected, ", "));
  }
}

}  // namespace

Replay::Replay(const std::filesystem::path& path, const flux::Config& config)
    : origin_("'" + printable(path.native(), 400) + "'"),
      checkpoint_(weights::Checkpoint::open(path)) {
  const int64_t channels = config.in_channels / 4;
  std::set<std::string> known;
  for (; checkpoint_.find(fmt::format("{}.latents", count_)) != nullptr; ++count_) {
    const auto name = [&](const char* part) { return fmt::format("{}.{}", count_, part); };
    const Shape latents = shape_of(checkpoint_, name("latents"), origin_);
    if (latents.size() != 4 || latents[0] < 1 || latents[1] != channels || latents[2] < 2 ||
        latents[3] < 2 || latents[2] % 2 != 0 || latents[3] % 2 != 0) {
      fail_input("{}: '{}' has the shape [{}], expected [B, {}, h, w] with even h and w.", origin_,
                 name("latents"), fmt::join(latents, ", "), channels);
    }
    expect_shape(checkpoint_, name("noise"), latents, origin_);
    expect_shape(checkpoint_, name("t"), {latents[0]}, origin_);
    const Shape t5 = shape_of(checkpoint_, name("t5"), origin_);
    if (t5.size() != 3 || t5[1] < 1) {
      fail_input("{}: '{}' has the shape [{}], expected [B, length, {}].", origin_, name("t5"),
                 fmt::join(t5, ", "), config.joint_attention_dim);
    }
    expect_shape(checkpoint_, name("t5"), {latents[0], t5[1], config.joint_attention_dim}, origin_);
    expect_shape(checkpoint_, name("clip"), {latents[0], config.pooled_projection_dim}, origin_);
    for (const char* part : {"latents", "noise", "t", "t5", "clip"}) known.insert(name(part));
    if (checkpoint_.find(name("given")) != nullptr) {
      expect_shape(checkpoint_, name("given"), {latents[0], latents[2], latents[3]}, origin_);
      known.insert(name("given"));
    }
  }
  for (const auto& [name, tensor] : checkpoint_.tensors()) {
    if (!known.contains(name)) {
      fail_input(
          "{}: '{}' is not part of a micro-batch; expected are k.latents, k.noise, k.t, k.t5, "
          "k.clip and k.given for k = 0, 1, ... without a gap.",
          origin_, printable(name));
    }
  }
  if (count_ == 0) fail_input("{} holds no micro-batch: there is no tensor '0.latents'.", origin_);
}

at::Tensor Replay::tensor(int64_t k, const char* name) const {
  runtime::FileWeights source(checkpoint_);
  const std::string key = fmt::format("{}.{}", k, name);
  const weights::StoredTensor* stored = checkpoint_.find(key);
  if (stored == nullptr) return {};
  at::Tensor values = source.get(key, stored->shape, at::kFloat).clone();
  if (!at::isfinite(values).all().item<bool>()) {
    fail_input("{}: '{}' holds values that are not finite numbers.", origin_, key);
  }
  return values;
}

MicroBatch Replay::batch(int64_t k) const {
  MicroBatch batch;
  batch.latents = tensor(k, "latents");
  batch.t5 = tensor(k, "t5");
  batch.clip = tensor(k, "clip");
  batch.noise = tensor(k, "noise");
  batch.t = tensor(k, "t");
  const at::Tensor given = tensor(k, "given");
  if (given.defined()) batch.given = given != 0;
  if (batch.given.defined() && batch.given.all().item<bool>()) {
    fail_input("{}: '{}.given' leaves nothing to learn: every element is given.", origin_, k);
  }
  return batch;
}

}  // namespace iclora::train
