#pragma once
// What a step of a pre-training is drawn from. Every draw is a function of seed, stage and step.

#include <filesystem>
#include <map>
#include <vector>

#include "core/philox.h"
#include "pretrain/pack.h"
#include "pretrain/recipe.h"

namespace iclora::pretrain {

/// Draws of one step of one stage, each by its purpose and index.
class StepDraws {
 public:
  enum class Purpose : uint64_t {
    shard,
    drawing,
    wording,
    crop,
    length,
    dropout,
    part,
    distilled,
    guidance
  };
  /// `stage`: 0, 1, ... tells stages of one seed apart.
  StepDraws(uint64_t seed, uint64_t stage, int64_t step)
      : random_(seed * 16 + stage, Stream::order, static_cast<uint64_t>(step)) {}

  /// 0 to count - 1.
  int64_t below(int64_t count, Purpose purpose, int64_t index) const {
    const uint64_t bits = random_.bits(place(purpose, index));
    return static_cast<int64_t>(bits * static_cast<uint64_t>(count) >> 32);
  }
  /// In [0, 1).
  double uniform(Purpose purpose, int64_t index) const {
    return random_.uniform(place(purpose, index));
  }

 private:
  static uint64_t place(Purpose purpose, int64_t index) {
    return (static_cast<uint64_t>(purpose) << 20) + static_cast<uint64_t>(index);
  }
  Random random_;
};

/// The packs of a stage, each read once.
class Packs {
 public:
  /// Captions are read where tokenizers are given. Errors (exit 2) when the packs' classes differ.
  Packs(const StageRecipe& recipe, const tokenizers::T5Tokenizer* t5,
        const tokenizers::ClipTokenizer* clip);

  const Pack& at(const std::filesystem::path& path) const { return packs_.at(path); }
  const Pack& held_out() const { return packs_.at(held_out_); }
  const Classes& classes() const { return held_out().classes; }
  /// All of them, by path.
  const std::map<std::filesystem::path, Pack>& all() const { return packs_; }

  /// A step's shard: a pack by its weight, of its shards one by its number of panels.
  const Shard& draw_shard(const Phase& phase, const StepDraws& draws) const;

 private:
  std::map<std::filesystem::path, Pack> packs_;
  std::filesystem::path held_out_;
};

}  // namespace iclora::pretrain
