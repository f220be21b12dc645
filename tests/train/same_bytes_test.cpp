// Two steps of random tiny models: threads, activation checkpointing and the cut of the batch into
// micro-batches never change a bit.

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include "nn/weight_source.h"
#include "tensors.h"
#include "train/adamw.h"
#include "train/micro_step.h"
#include "train/trained_tensors.h"

namespace iclora::train {
namespace {

using testing_support::normal;

/// Weights that depend on the name and the shape alone.
class NamedWeights final : public nn::WeightSource {
 public:
  bool contains(std::string_view) const override { return true; }
  at::Tensor get(std::string_view name, const std::vector<int64_t>& shape,
                 at::ScalarType dtype) override {
    const double width = shape.size() == 2 ? static_cast<double>(shape[1]) : 25.0;
    return (normal(shape, std::hash<std::string_view>()(name)) / std::sqrt(width)).to(dtype);
  }
};

/// Everything that a run depends on, drawn from one number.
struct Drawn {
  explicit Drawn(uint64_t seed) : random_(seed, Stream::order) {
    const int64_t head = 8 * pick(1, 2);
    config.attention_head_dim = head;
    config.num_attention_heads = pick(1, 3);
    config.axes_dims_rope = {head / 4, head / 4, head / 2};
    config.num_layers = pick(0, 2);
    config.num_single_layers = config.num_layers == 0 ? pick(1, 2) : pick(0, 2);
    config.joint_attention_dim = 4 * pick(1, 6);
    config.pooled_projection_dim = 4 * pick(1, 6);
    config.guidance_embeds = pick(0, 1) == 1;
    dtype = pick(0, 1) == 1 ? at::kBFloat16 : at::kFloat;
    full = pick(0, 3) == 0;
    rank = pick(1, 4);
    samples = pick(1, 6);
    h = 2 * pick(1, 4);
    w = 2 * pick(1, 4);
    text = pick(1, 20);
    given = pick(0, 3);
    gutter = pick(0, 3) == 0;
    apart = pick(0, 1) == 1;
  }

  int64_t pick(int64_t low, int64_t high) {
    return low + static_cast<int64_t>(random_.bits(next_++)) % (high - low + 1);
  }

  /// Panels that are sequences of their own: the columns of tokens, but for the gutter.
  std::vector<flux::LatentBox> panels() const {
    std::vector<flux::LatentBox> out;
    for (int64_t x = gutter && w > 2 ? 2 : 0; apart && x < w; x += 2) out.push_back({x, 0, 2, h});
    return out;
  }

  MicroBatch batch(uint64_t step) const {
    const uint64_t s = 100 * step;
    MicroBatch out;
    out.latents = normal({samples, config.in_channels / 4, h, w}, s + 1);
    out.noise = normal({samples, config.in_channels / 4, h, w}, s + 2);
    out.t5 = normal({samples, text, config.joint_attention_dim}, s + 3);
    out.clip = normal({samples, config.pooled_projection_dim}, s + 4);
    out.t = at::sigmoid(normal({samples}, s + 5));
    if (given > 0) {
      // The upper token row of every sample, where there is another one.
      out.given = at::zeros({samples, h, w}, at::kBool);
      if (h > 2) out.given.slice(1, 0, 2).fill_(true);
    }
    if (gutter) {
      out.counted = at::ones({samples, h, w}, at::kBool);
      if (w > 2) out.counted.slice(2, 0, 2).fill_(false);
    }
    out.panels = panels();
    if (const auto count = static_cast<int64_t>(out.panels.size()); count > 0) {
      out.t5 = normal({samples, count * text, config.joint_attention_dim}, s + 3);
      out.clip = normal({samples, count, config.pooled_projection_dim}, s + 4);
    }
    return out;
  }

  flux::Config config;
  at::ScalarType dtype = at::kFloat;
  bool full = false, gutter = false, apart = false;
  int64_t rank = 1, samples = 1, h = 2, w = 2, text = 1, given = 0;

 private:
  Random random_;
  uint64_t next_ = 0;
};

MicroBatch part_of(const MicroBatch& batch, int64_t first, int64_t count) {
  const auto cut = [&](const at::Tensor& x) {
    return x.defined() ? x.slice(0, first, first + count) : x;
  };
  return {cut(batch.latents), cut(batch.t5),    cut(batch.clip),    cut(batch.noise),
          cut(batch.t),       cut(batch.given), cut(batch.counted), batch.panels};
}

struct Variant {
  int threads;
  bool checkpointing;
  enum class Cut { whole, parts, single } cut;
  /// Micro-batches of equal size: one, the fewest into which `samples` can be cut, one a sample.
  int64_t micro_batches(int64_t samples) const {
    if (cut == Cut::whole) return 1;
    int64_t parts = cut == Cut::single ? samples : std::min<int64_t>(2, samples);
    while (samples % parts != 0) ++parts;
    return parts;
  }
};

/// Gradient norms and trained values of two steps.
std::vector<at::Tensor> two_steps(const Drawn& drawn, const Variant& variant) {
  at::set_num_threads(variant.threads);
  NamedWeights weights;
  flux::Transformer transformer = flux::load_transformer(weights, drawn.config, drawn.dtype);
  const TrainedTensors trained =
      drawn.full ? train_every_weight(transformer)
                 : add_lora(transformer, layer_filter({"all"}), drawn.rank, 2, 5);
  if (!drawn.full) {
    // B begins at zero, where half of the gradients would vanish.
    for (size_t i = 0; i < trained.size(); ++i) {
      trained[i].master.copy_(normal(trained[i].master.sizes(), i) * 0.1);
    }
  }
  put_into_layers(trained, masters(trained));
  AdamWState state = adamw_state(masters(trained));
  MicroStepSettings settings;
  settings.checkpointing = variant.checkpointing;
  settings.given_at_zero = drawn.given >= 2;
  if (drawn.given == 3) settings.given_sees = flux::GivenSees::given;
  std::vector<at::Tensor> out;
  for (uint64_t step = 0; step < 2; ++step) {
    const MicroBatch batch = drawn.batch(step);
    settings.micro_batches = variant.micro_batches(drawn.samples);
    const int64_t size = drawn.samples / settings.micro_batches;
    nn::Gradients gradients(trained.size());
    for (int64_t part = 0; part < settings.micro_batches; ++part) {
      micro_step(transformer, part_of(batch, part * size, size), settings, gradients);
    }
    const double norm = global_norm(gradients.sums());
    adamw_step(masters(trained), gradients.sums(), std::min(1.0, 1.0 / norm), 1e-2, {}, state);
    put_into_layers(trained, masters(trained));
    out.push_back(at::full({1}, norm, at::kDouble));
  }
  for (const TrainedTensor& tensor : trained) out.push_back(tensor.master);
  return out;
}

TEST(SameBytes, OfTwoHundredRandomConfigurations) {
  using Cut = Variant::Cut;
  const int before = at::get_num_threads();
  for (uint64_t seed = 0; seed < 200; ++seed) {
    const Drawn drawn(seed);
    const auto expected = two_steps(drawn, {1, false, Cut::whole});
    bool moved = false;
    for (const Variant& variant : {Variant{2, true, Cut::whole}, Variant{1, true, Cut::parts},
                                   Variant{3, false, Cut::single}}) {
      const auto found = two_steps(drawn, variant);
      ASSERT_EQ(found.size(), expected.size());
      for (size_t i = 0; i < found.size(); ++i) {
        ASSERT_TRUE(at::equal(found[i], expected[i]))
            << "configuration " << seed << ", tensor " << i << ", " << variant.threads
            << " threads, " << variant.micro_batches(drawn.samples) << " micro-batches";
      }
    }
    for (size_t i = 2; i < expected.size(); ++i) {
      ASSERT_TRUE(at::isfinite(expected[i]).all().item<bool>()) << seed;
      moved = moved || expected[i].count_nonzero().item<int64_t>() > 0;
    }
    ASSERT_TRUE(moved) << seed;
  }
  at::set_num_threads(before);
}

}  // namespace
}  // namespace iclora::train
