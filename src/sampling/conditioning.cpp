#include "sampling/conditioning.h"

#include <ATen/ATen.h>

#include "runtime/file_weights.h"

namespace iclora::sampling {
namespace {

at::Tensor ids_tensor(const std::vector<int32_t>& ids) {
  return at::tensor(std::vector<int64_t>(ids.begin(), ids.end()), at::kLong).unsqueeze(0);
}

}  // namespace

std::vector<Conditioning> encode_prompts(const OpenModel& model,
                                         const std::vector<std::string>& prompts,
                                         int64_t text_length, at::ScalarType dtype,
                                         Progress& progress) {
  std::vector<Conditioning> out(prompts.size());
  const auto total = static_cast<int64_t>(2 * prompts.size());
  int64_t done = 0;
  const auto report = [&] {
    progress.report({.phase = "text", .step = done, .total = total, .loss = {}});
    check_cancelled(progress);
  };
  report();
  {
    // Checkpoints of before transformers 5 write `text_model.`, later ones leave it out.
    runtime::FileWeights source(weights::Checkpoint::open(model.folder.text_encoder.folder),
                                {{"text_model.", ""}});
    const text::ClipEncoder clip = text::load_clip(source, model.configs.clip, dtype);
    for (size_t i = 0; i < prompts.size(); ++i) {
      const int64_t length = std::min(model.clip_tokenizer->model_max_length(),
                                      model.configs.clip.max_position_embeddings);
      const auto ids = model.clip_tokenizer->encode_padded(prompts[i], length);
      out[i].pooled = text::clip_forward(clip, ids_tensor(ids)).pooled.to(at::kFloat);
      ++done;
      report();
    }
  }
  {
    runtime::FileWeights source(weights::Checkpoint::open(model.folder.text_encoder_2.folder),
                                {{"shared.", "encoder.embed_tokens."}});
    const text::T5Encoder t5 = text::load_t5(source, model.configs.t5, dtype);
    for (size_t i = 0; i < prompts.size(); ++i) {
      const auto ids = model.t5_tokenizer->encode_padded(prompts[i], text_length);
      out[i].text = text::t5_forward(t5, ids_tensor(ids)).to(at::kFloat);
      ++done;
      report();
    }
  }
  return out;
}

}  // namespace iclora::sampling
