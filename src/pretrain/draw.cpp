#include "pretrain/draw.h"

#include "core/error.h"

namespace iclora::pretrain {

Packs::Packs(const StageRecipe& recipe, const tokenizers::T5Tokenizer* t5,
             const tokenizers::ClipTokenizer* clip)
    : held_out_(recipe.held_out) {
  packs_.emplace(held_out_, read_pack(held_out_, t5, clip));
  for (const Phase& phase : recipe.phases) {
    for (const Source& source : phase.data) {
      if (packs_.contains(source.pack)) continue;
      packs_.emplace(source.pack, read_pack(source.pack, t5, clip));
      if (packs_.at(source.pack).classes != classes()) {
        fail_input("'{}' and '{}' have other classes; draw both with one catalogue.",
                   printable(source.pack.native(), 400), printable(held_out_.native(), 400));
      }
    }
  }
}

const Shard& Packs::draw_shard(const Phase& phase, const StepDraws& draws) const {
  double total = 0;
  for (const Source& source : phase.data) total += source.weight;
  double place = draws.uniform(StepDraws::Purpose::shard, 0) * total;
  const Source* chosen = &phase.data.back();
  for (const Source& source : phase.data) {
    if (place < source.weight) {
      chosen = &source;
      break;
    }
    place -= source.weight;
  }
  const std::vector<Shard>& shards = packs_.at(chosen->pack).shards;
  double panels = 0;
  for (const Shard& shard : shards) panels += static_cast<double>(shard.size() * shard.panels());
  place = draws.uniform(StepDraws::Purpose::shard, 1) * panels;
  for (const Shard& shard : shards) {
    const auto share = static_cast<double>(shard.size() * shard.panels());
    if (place < share) return shard;
    place -= share;
  }
  return shards.back();
}

}  // namespace iclora::pretrain
