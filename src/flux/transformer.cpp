#include "flux/transformer.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>

#include "flux/latents.h"
#include "nn/elementwise.h"
#include "nn/norm.h"
#include "nn/saved.h"

namespace iclora::flux {

Transformer load_transformer(nn::WeightSource& source, const Config& config, at::ScalarType dtype) {
  const int64_t width = config.width();
  Transformer model;
  model.config = config;
  model.x_embedder = nn::load_linear(source, "x_embedder", config.in_channels, width, dtype);
  model.context_embedder =
      nn::load_linear(source, "context_embedder", config.joint_attention_dim, width, dtype);
  model.time_text_embed = load_condition_embedder(source, config, dtype);
  for (int64_t i = 0; i < config.num_layers; ++i) {
    model.transformer_blocks.push_back(
        load_double_block(source, fmt::format("transformer_blocks.{}", i), config, dtype));
  }
  for (int64_t i = 0; i < config.num_single_layers; ++i) {
    model.single_transformer_blocks.push_back(
        load_single_block(source, fmt::format("single_transformer_blocks.{}", i), config, dtype));
  }
  model.norm_out = nn::load_linear(source, "norm_out.linear", width, 2 * width, dtype);
  model.proj_out = nn::load_linear(source, "proj_out", width, config.in_channels, dtype);
  return model;
}

void for_each_linear(Transformer& transformer, const std::function<void(nn::Linear&)>& visit) {
  const auto visit_mlp = [&](EmbedderMlp& mlp) {
    visit(mlp.linear_1);
    visit(mlp.linear_2);
  };
  const auto visit_qkv = [&](QkvProjection& qkv) {
    visit(qkv.to_q);
    visit(qkv.to_k);
    visit(qkv.to_v);
  };
  visit(transformer.x_embedder);
  visit(transformer.context_embedder);
  visit_mlp(transformer.time_text_embed.timestep_embedder);
  if (transformer.config.guidance_embeds) {
    visit_mlp(transformer.time_text_embed.guidance_embedder);
  }
  visit_mlp(transformer.time_text_embed.text_embedder);
  for (DoubleBlock& block : transformer.transformer_blocks) {
    for (StreamWeights* stream : {&block.image, &block.text}) {
      visit(stream->norm1);
      visit_qkv(stream->qkv);
      visit(stream->attn_out);
      visit(stream->ff.in);
      visit(stream->ff.out);
    }
  }
  for (SingleBlock& block : transformer.single_transformer_blocks) {
    visit(block.norm);
    visit_qkv(block.qkv);
    visit(block.proj_mlp);
    visit(block.proj_out);
  }
  visit(transformer.norm_out);
  visit(transformer.proj_out);
}

nn::RopeTable canvas_rope(const Config& config, int64_t text_length, int64_t h, int64_t w) {
  return nn::rope_table(at::cat({text_ids(text_length), image_ids(h, w)}), config.axes_dims_rope,
                        kRopeTheta);
}

void for_each_weight(
    Transformer& transformer,
    const std::function<void(const std::string& name, at::Tensor& weight, nn::Slot& slot)>& visit) {
  for_each_linear(transformer, [&](nn::Linear& layer) {
    visit(layer.name + ".weight", layer.weight, layer.weight_slot);
    if (layer.bias.defined()) visit(layer.name + ".bias", layer.bias, layer.bias_slot);
  });
  const auto visit_norms = [&](const std::string& block, QkvProjection& qkv,
                               const QkvNames& names) {
    visit(fmt::format("{}.attn.{}.weight", block, names.norm_q), qkv.norm_q, qkv.norm_q_slot);
    visit(fmt::format("{}.attn.{}.weight", block, names.norm_k), qkv.norm_k, qkv.norm_k_slot);
  };
  for (size_t i = 0; i < transformer.transformer_blocks.size(); ++i) {
    const std::string name = fmt::format("transformer_blocks.{}", i);
    visit_norms(name, transformer.transformer_blocks[i].image.qkv, kImageNames);
    visit_norms(name, transformer.transformer_blocks[i].text.qkv, kTextNames);
  }
  for (size_t i = 0; i < transformer.single_transformer_blocks.size(); ++i) {
    visit_norms(fmt::format("single_transformer_blocks.{}", i),
                transformer.single_transformer_blocks[i].qkv, kImageNames);
  }
}

namespace {

/// The conditioning vectors of `timestep` before their SiLU: a row a sample or, with panels, a row
/// a panel of each sample.
at::Tensor condition_at(const Transformer& transformer, const at::Tensor& timestep,
                        const at::Tensor& guidance, const Context& context, ConditionSaved* kept) {
  const auto panels = static_cast<int64_t>(context.panel_tokens.size());
  const auto rows = [&](const at::Tensor& x) {
    return panels > 0 ? x.repeat_interleave(panels) : x;
  };
  return condition_forward(transformer.time_text_embed, rows(timestep), rows(guidance),
                           panels > 0 ? context.pooled.flatten(0, 1) : context.pooled, kept);
}

/// What modulates: [B, D] or, with panels, [B, N, D].
at::Tensor modulating(const at::Tensor& embedded, const Context& context) {
  const auto panels = static_cast<int64_t>(context.panel_tokens.size());
  const at::Tensor vectors = nn::silu_forward(embedded);
  return panels > 0 ? vectors.unflatten(0, {-1, panels}) : vectors;
}

/// The keys beside a block's own, where given tokens see only each other.
Beside beside_of(const std::vector<KeyValues>& blocks, size_t block) {
  return {blocks.empty() ? nullptr : &blocks[block], nullptr};
}

/// Forward through all blocks and the output layer; keeps what backward needs where `saved` is
/// given.
at::Tensor run_forward(const Transformer& transformer, const Query& query, const Context& context,
                       TransformerSaved* saved) {
  const auto dtype = transformer.x_embedder.weight.scalar_type();
  const at::Tensor embedded = condition_at(transformer, query.timestep, query.guidance, context,
                                           nn::part_of(saved, &TransformerSaved::embedder));
  Condition condition = {modulating(embedded, context), {}, {}, context.panel_tokens};
  at::Tensor given_embedded;
  if (query.given.defined()) {
    given_embedded = condition_at(transformer, at::zeros_like(query.timestep), query.guidance,
                                  context, nn::part_of(saved, &TransformerSaved::given_embedder));
    condition.given = modulating(given_embedded, context);
    condition.given_tokens = query.given;
  }
  if (saved != nullptr) {
    saved->embedded = embedded;
    saved->given_embedded = given_embedded;
    saved->condition = condition;
    saved->doubles.clear();
    saved->singles.clear();
    saved->double_inputs.clear();
    saved->single_inputs.clear();
    saved->tapped.clear();
  }

  const int64_t text_length = context.text.size(1);
  Streams streams = {
      nn::linear_forward(transformer.x_embedder, query.latents.to(dtype),
                         nn::part_of(saved, &TransformerSaved::x_embedder)),
      nn::linear_forward(transformer.context_embedder, context.text.to(dtype),
                         nn::part_of(saved, &TransformerSaved::context_embedder)),
  };
  const bool keep_all = saved != nullptr && !saved->checkpointing;
  const bool keep_inputs = saved != nullptr && saved->checkpointing;
  for (size_t i = 0; i < transformer.transformer_blocks.size(); ++i) {
    if (keep_inputs) saved->double_inputs.push_back(streams);
    streams =
        double_block_forward(transformer.transformer_blocks[i], streams, condition, context.rope,
                             keep_all ? &saved->doubles.emplace_back() : nullptr, context.attention,
                             beside_of(context.given_keys.doubles, i));
  }
  at::Tensor x = at::cat({streams.text, streams.image}, 1);
  const auto tap = [&](size_t blocks) {
    if (saved == nullptr) return;
    for (const size_t place : saved->taps) {
      if (place == blocks) saved->tapped.push_back(x.slice(1, text_length, at::nullopt));
    }
  };
  tap(0);
  for (size_t i = 0; i < transformer.single_transformer_blocks.size(); ++i) {
    const SingleBlock& block = transformer.single_transformer_blocks[i];
    if (keep_inputs) saved->single_inputs.push_back(x);
    x = single_block_forward(block, x, text_length, condition, context.rope,
                             keep_all ? &saved->singles.emplace_back() : nullptr, context.attention,
                             beside_of(context.given_keys.singles, i));
    tap(i + 1);
  }
  x = x.slice(1, text_length, at::nullopt);

  // Scale comes before shift here, unlike in the blocks.
  const auto modulation =
      modulation_forward(transformer.norm_out, condition, 2, Tokens::image, text_length,
                         nn::part_of(saved, &TransformerSaved::norm_out));
  if (saved != nullptr) saved->norm_out_scale = modulation[0];
  return nn::linear_forward(
      transformer.proj_out,
      nn::layer_norm_modulate_forward(x, modulation[1], modulation[0], kNormEpsilon,
                                      nn::part_of(saved, &TransformerSaved::last_norm)),
      nn::part_of(saved, &TransformerSaved::proj_out));
}

bool is_trained(const nn::Linear& layer) {
  if (layer.weight_slot != nn::kFrozen || layer.bias_slot != nn::kFrozen) return true;
  return std::any_of(layer.adapters.begin(), layer.adapters.end(), [](const nn::LoraPair& pair) {
    return pair.a_slot != nn::kFrozen || pair.b_slot != nn::kFrozen;
  });
}

bool is_trained(const EmbedderMlp& mlp) {
  return is_trained(mlp.linear_1) || is_trained(mlp.linear_2);
}

}  // namespace

at::Tensor transformer_forward(const Transformer& transformer, const Query& query,
                               const Context& context) {
  return run_forward(transformer, query, context, nullptr);
}

GivenKeys given_keys_forward(const Transformer& transformer, const at::Tensor& latents,
                             const at::Tensor& guidance, const Context& context) {
  const Condition condition = {
      modulating(condition_at(transformer, at::zeros_like(guidance), guidance, context, nullptr),
                 context),
      {},
      {},
      context.panel_tokens};
  at::Tensor x = nn::linear_forward(transformer.x_embedder,
                                    latents.to(transformer.x_embedder.weight.scalar_type()));
  GivenKeys keys;
  for (const DoubleBlock& block : transformer.transformer_blocks) {
    x = double_block_image_forward(block, x, condition, context.rope, keys.doubles.emplace_back());
  }
  for (const SingleBlock& block : transformer.single_transformer_blocks) {
    x = single_block_forward(block, x, /*text_length=*/0, condition, context.rope, nullptr, {},
                             {nullptr, &keys.singles.emplace_back()});
  }
  return keys;
}

at::Tensor transformer_training_forward(const Transformer& transformer, const Query& query,
                                        const Context& context, TransformerSaved& saved) {
  return run_forward(transformer, query, context, &saved);
}

void transformer_backward(const Transformer& transformer, TransformerSaved& saved,
                          const Context& context, const at::Tensor& dvelocity,
                          nn::Gradients& gradients) {
  const int64_t text_length = context.text.size(1);
  const ConditionEmbedder& embedder = transformer.time_text_embed;
  ConditionGradient condition;
  condition.wanted = is_trained(embedder.timestep_embedder) ||
                     is_trained(embedder.guidance_embedder) || is_trained(embedder.text_embedder);

  const auto last = nn::layer_norm_modulate_backward(
      saved.last_norm, saved.norm_out_scale,
      nn::linear_backward(transformer.proj_out, saved.proj_out, dvelocity, gradients));
  modulation_backward(transformer.norm_out, saved.norm_out, {last.dscale, last.dshift}, condition,
                      gradients);

  // The text rows end with the last block: no gradient comes from there.
  at::Tensor dx = at::constant_pad_nd(last.dx, {0, 0, text_length, 0});
  const auto add_taps = [&](size_t blocks) {
    for (size_t k = 0; k < saved.tap_gradients.size(); ++k) {
      if (saved.taps[k] != blocks) continue;
      dx.slice(1, text_length, at::nullopt).add_(saved.tap_gradients[k]);
    }
  };
  add_taps(transformer.single_transformer_blocks.size());
  for (size_t i = transformer.single_transformer_blocks.size(); i-- > 0;) {
    const SingleBlock& block = transformer.single_transformer_blocks[i];
    SingleBlockSaved again;
    if (saved.checkpointing) {
      single_block_forward(block, saved.single_inputs[i], text_length, saved.condition,
                           context.rope, &again, context.attention);
      saved.single_inputs.pop_back();
    } else {
      again = std::move(saved.singles[i]);
      saved.singles.pop_back();
    }
    dx = single_block_backward(block, again, context.rope, dx, condition, gradients);
    add_taps(i);
  }
  Streams dstreams = {dx.slice(1, text_length, at::nullopt), dx.slice(1, 0, text_length)};
  for (size_t i = transformer.transformer_blocks.size(); i-- > 0;) {
    const DoubleBlock& block = transformer.transformer_blocks[i];
    DoubleBlockSaved again;
    if (saved.checkpointing) {
      double_block_forward(block, saved.double_inputs[i], saved.condition, context.rope, &again,
                           context.attention);
      saved.double_inputs.pop_back();
    } else {
      again = std::move(saved.doubles[i]);
      saved.doubles.pop_back();
    }
    dstreams = double_block_backward(block, again, context.rope, dstreams, condition, gradients);
  }
  if (is_trained(transformer.x_embedder)) {
    nn::linear_backward(transformer.x_embedder, saved.x_embedder, dstreams.image, gradients,
                        /*need_dx=*/false);
  }
  if (is_trained(transformer.context_embedder)) {
    nn::linear_backward(transformer.context_embedder, saved.context_embedder, dstreams.text,
                        gradients, /*need_dx=*/false);
  }
  if (!condition.wanted) return;
  const auto embedder_gradient = [&](const ConditionSaved& kept, const at::Tensor& embedded,
                                     const at::Tensor& dcondition) {
    condition_backward(
        embedder, kept,
        nn::silu_backward(embedded, dcondition.view(embedded.sizes()).to(embedded.scalar_type())),
        gradients);
  };
  embedder_gradient(saved.embedder, saved.embedded, condition.shared);
  if (condition.given.defined()) {
    embedder_gradient(saved.given_embedder, saved.given_embedded, condition.given);
  }
}

}  // namespace iclora::flux
