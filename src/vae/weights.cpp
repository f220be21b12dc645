#include "vae/weights.h"

#include <fmt/format.h>

namespace iclora::vae {
namespace {

/// Walks the modules in order; `ends` alone are visited where only those are asked for.
class Walk {
 public:
  Walk(const VisitWeight& visit, bool residual_ends) : visit_(visit), ends_(residual_ends) {}

  void conv(const std::string& name, Conv& conv, bool end = false) const {
    pair(name, conv.weight, conv.bias, end);
  }
  void norm(const std::string& name, GroupNorm& norm) const {
    pair(name, norm.weight, norm.bias, false);
  }
  void resnet(const std::string& name, Resnet& block) const {
    norm(name + ".norm1", block.norm1);
    conv(name + ".conv1", block.conv1);
    norm(name + ".norm2", block.norm2);
    conv(name + ".conv2", block.conv2, /*end=*/true);
    if (block.conv_shortcut) conv(name + ".conv_shortcut", *block.conv_shortcut);
  }
  void mid(const std::string& name, MidBlock& block) const {
    resnet(name + ".resnets.0", block.first);
    if (block.attention) {
      norm(name + ".attentions.0.group_norm", block.attention->group_norm);
      linear(block.attention->to_q, false);
      linear(block.attention->to_k, false);
      linear(block.attention->to_v, false);
      linear(block.attention->to_out, true);
    }
    resnet(name + ".resnets.1", block.second);
  }
  void stages(const std::string& name, const char* resample, std::vector<Stage>& stages) const {
    for (size_t i = 0; i < stages.size(); ++i) {
      const std::string stage = fmt::format("{}.{}", name, i);
      for (size_t k = 0; k < stages[i].resnets.size(); ++k) {
        resnet(fmt::format("{}.resnets.{}", stage, k), stages[i].resnets[k]);
      }
      if (stages[i].resample) conv(stage + "." + resample + ".0.conv", *stages[i].resample);
    }
  }

 private:
  void linear(nn::Linear& layer, bool end) const {
    pair(layer.name, layer.weight, layer.bias, end);
  }
  void pair(const std::string& name, at::Tensor& weight, at::Tensor& bias, bool end) const {
    if (ends_ && !end) return;
    visit_(name + ".weight", weight);
    visit_(name + ".bias", bias);
  }

  const VisitWeight& visit_;
  bool ends_;
};

void walk(Encoder& encoder, const Walk& walk) {
  walk.conv("encoder.conv_in", encoder.conv_in);
  walk.stages("encoder.down_blocks", "downsamplers", encoder.down_blocks);
  walk.mid("encoder.mid_block", encoder.mid_block);
  walk.norm("encoder.conv_norm_out", encoder.conv_norm_out);
  walk.conv("encoder.conv_out", encoder.conv_out);
  if (encoder.quant_conv) walk.conv("quant_conv", *encoder.quant_conv);
}

void walk(Decoder& decoder, const Walk& walk) {
  if (decoder.post_quant_conv) walk.conv("post_quant_conv", *decoder.post_quant_conv);
  walk.conv("decoder.conv_in", decoder.conv_in);
  walk.mid("decoder.mid_block", decoder.mid_block);
  walk.stages("decoder.up_blocks", "upsamplers", decoder.up_blocks);
  walk.norm("decoder.conv_norm_out", decoder.conv_norm_out);
  walk.conv("decoder.conv_out", decoder.conv_out);
}

}  // namespace

void for_each_weight(Encoder& encoder, const VisitWeight& visit) {
  walk(encoder, Walk(visit, false));
}

void for_each_weight(Decoder& decoder, const VisitWeight& visit) {
  walk(decoder, Walk(visit, false));
}

void for_each_residual_end(Encoder& encoder, const VisitWeight& visit) {
  walk(encoder, Walk(visit, true));
}

void for_each_residual_end(Decoder& decoder, const VisitWeight& visit) {
  walk(decoder, Walk(visit, true));
}

}  // namespace iclora::vae
