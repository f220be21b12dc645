#include "text/weights.h"

#include <fmt/format.h>

namespace iclora::text {
namespace {

void visit_linear(const VisitWeight& visit, nn::Linear& layer) {
  visit(layer.name + ".weight", layer.weight);
  if (layer.bias.defined()) visit(layer.name + ".bias", layer.bias);
}

void visit_norm(const VisitWeight& visit, const std::string& name, LayerNorm& norm) {
  visit(name + ".weight", norm.weight);
  visit(name + ".bias", norm.bias);
}

}  // namespace

void for_each_weight(ClipEncoder& encoder, const VisitWeight& visit) {
  visit("text_model.embeddings.token_embedding.weight", encoder.token_embedding);
  visit("text_model.embeddings.position_embedding.weight", encoder.position_embedding);
  for (size_t i = 0; i < encoder.layers.size(); ++i) {
    const std::string name = fmt::format("text_model.encoder.layers.{}", i);
    ClipLayer& layer = encoder.layers[i];
    visit_norm(visit, name + ".layer_norm1", layer.layer_norm1);
    for (nn::Linear* linear : {&layer.q_proj, &layer.k_proj, &layer.v_proj, &layer.out_proj}) {
      visit_linear(visit, *linear);
    }
    visit_norm(visit, name + ".layer_norm2", layer.layer_norm2);
    visit_linear(visit, layer.fc1);
    visit_linear(visit, layer.fc2);
  }
  visit_norm(visit, "text_model.final_layer_norm", encoder.final_layer_norm);
}

void for_each_weight(T5Encoder& encoder, const VisitWeight& visit) {
  visit("shared.weight", encoder.shared);
  visit("encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight",
        encoder.relative_attention_bias);
  for (size_t i = 0; i < encoder.blocks.size(); ++i) {
    const std::string name = fmt::format("encoder.block.{}.layer.", i);
    T5Block& block = encoder.blocks[i];
    visit(name + "0.layer_norm.weight", block.attention_norm);
    for (nn::Linear* linear : {&block.q, &block.k, &block.v, &block.o}) {
      visit_linear(visit, *linear);
    }
    visit(name + "1.layer_norm.weight", block.ff_norm);
    for (nn::Linear* linear : {&block.wi_0, &block.wi_1, &block.wo}) visit_linear(visit, *linear);
  }
  visit("encoder.final_layer_norm.weight", encoder.final_layer_norm);
}

}  // namespace iclora::text
