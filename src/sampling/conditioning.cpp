#include "sampling/conditioning.h"

#include <ATen/ATen.h>

#include <map>

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

std::vector<Conditioning> encode_sets(const OpenModel& model,
                                      const std::vector<std::vector<std::string>>& sets,
                                      int64_t text_length, at::ScalarType dtype,
                                      Progress& progress) {
  std::vector<std::string> texts;
  std::map<std::string, size_t> places;
  for (const std::vector<std::string>& captions : sets) {
    for (const std::string& caption : captions) {
      if (places.emplace(caption, texts.size()).second) texts.push_back(caption);
    }
  }
  const auto encoded = encode_prompts(model, texts, text_length, dtype, progress);
  std::vector<Conditioning> out;
  out.reserve(sets.size());
  for (const std::vector<std::string>& captions : sets) {
    std::vector<Conditioning> parts;
    parts.reserve(captions.size());
    for (const std::string& caption : captions) parts.push_back(encoded[places.at(caption)]);
    out.push_back(joined(parts));
  }
  return out;
}

Conditioning joined(const std::vector<Conditioning>& captions) {
  if (captions.size() == 1) return captions[0];
  std::vector<at::Tensor> texts, pooled;
  texts.reserve(captions.size());
  pooled.reserve(captions.size());
  for (const Conditioning& caption : captions) {
    texts.push_back(caption.text);
    pooled.push_back(caption.pooled.unsqueeze(1));
  }
  return {at::cat(texts, 1), at::cat(pooled, 1)};
}

}  // namespace iclora::sampling
