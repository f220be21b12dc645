// What becomes of each key of an ai-toolkit training process. Facts: ostris/ai-toolkit,
// toolkit/config_modules.py and toolkit/optimizer.py.

#include <charconv>
#include <map>

#include "run/foreign_keys.h"

namespace iclora::run {
namespace {

using Convert = std::function<std::optional<Json>(const Json&)>;

ForeignRule used(std::string native, Convert convert = nullptr, std::string why = "") {
  return {std::move(native), std::move(convert), {}, false, std::move(why)};
}

ForeignRule neutral(std::vector<Json> values, std::string why) {
  return {"", nullptr, std::move(values), false, std::move(why)};
}

ForeignRule not_needed() {
  return {"", nullptr, {}, true, ""};
}

/// A word by its native counterpart.
Convert words(std::map<std::string, std::string> known) {
  return [known = std::move(known)](const Json& value) -> std::optional<Json> {
    if (!value.is_string()) return std::nullopt;
    const auto found = known.find(value.get<std::string>());
    return found == known.end() ? std::nullopt : std::optional<Json>(found->second);
  };
}

/// A number, also one in quotes, which that program reads as well.
std::optional<Json> number(const Json& value) {
  if (!value.is_string()) return value;
  const auto text = value.get<std::string>();
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return value;
  return number;
}

std::optional<Json> on_or_off(const Json& value) {
  if (!value.is_boolean()) return value;
  return value == true ? "on" : "off";
}

constexpr const char* kOnlyPlainSamples = "samples are plain pictures of the prompts";
constexpr const char* kOneObjective = "the objective is the paper's";
constexpr const char* kFullBase = "the base is computed in train.dtype, not quantised";
constexpr const char* kPictures = "every picture is used as it is";

using Rules = std::map<std::string, ForeignRule>;

void add_save(Rules& rules) {
  rules["save.dtype"] = used("save.dtype",
                             words({{"float16", "fp16"},
                                    {"fp16", "fp16"},
                                    {"bfloat16", "bf16"},
                                    {"bf16", "bf16"},
                                    {"float32", "fp32"},
                                    {"float", "fp32"},
                                    {"fp32", "fp32"}}),
                             "files are written as bf16, fp16 or fp32");
  rules["save.save_every"] = used("save.every");
  rules["save.max_step_saves_to_keep"] = used("save.keep");
  rules["save.push_to_hub"] = neutral({false}, "nothing is uploaded");
  rules["save.hf_repo_id"] = not_needed();
  rules["save.hf_private"] = not_needed();
  rules["save.save_format"] = not_needed();  // both mean our keys for a LoRA
}

void add_datasets(Rules& rules) {
  rules["datasets.*.caption_dropout_rate"] = used("train.caption_dropout", number);
  for (const char* key : {"cache_latents", "cache_latents_to_disk", "buckets", "bucket_tolerance",
                          "mask_min_value", "type", "enable_ar_bucket"}) {
    rules[std::string("datasets.*.") + key] = not_needed();
  }
  rules["datasets.*.caption_ext"] =
      neutral({"txt", ".txt"}, "captions are .txt files beside the pictures");
  rules["datasets.*.caption_type"] = rules["datasets.*.caption_ext"];
  rules["datasets.*.default_caption"] = neutral({""}, "every set needs its caption");
  rules["datasets.*.trigger_word"] = used("data.trigger");
  rules["datasets.*.shuffle_tokens"] = neutral({false}, "a joint caption keeps its order");
  rules["datasets.*.keep_tokens"] = neutral({0}, "a joint caption keeps its order");
  rules["datasets.*.token_dropout_rate"] = neutral({0}, "captions are dropped whole");
  rules["datasets.*.num_repeats"] = neutral({1}, "all sets are seen equally often");
  rules["datasets.*.network_weight"] = neutral({1}, "all sets count the same");
  rules["datasets.*.lora_weight"] = rules["datasets.*.network_weight"];
  rules["datasets.*.is_reg"] = neutral({false}, "there are no regularisation sets");
  rules["datasets.*.prior_reg"] = rules["datasets.*.is_reg"];
  rules["datasets.*.scale"] = neutral({1}, kPictures);
  rules["datasets.*.num_frames"] = neutral({1}, "there is no video");
  rules["datasets.*.shrink_video_to_frames"] = not_needed();
  for (const char* key : {"random_scale", "random_crop", "flip_x", "flip_y", "alpha_mask",
                          "invert_mask", "shuffle_augmentations"}) {
    rules[std::string("datasets.*.") + key] = neutral({false}, kPictures);
  }
  for (const char* key : {"augments", "augmentations", "controls", "random_triggers"}) {
    rules[std::string("datasets.*.") + key] = neutral({Json::array()}, kPictures);
  }
  for (const char* key : {"mask_path", "control_path", "control_path_1", "control_path_2",
                          "control_path_3", "inpaint_path", "unconditional_path", "poi"}) {
    rules[std::string("datasets.*.") + key] =
        neutral({""}, "a set is its panels; given panels are drawn by train.conditional");
  }
}

void add_train(Rules& rules) {
  rules["train.batch_size"] = used("train.batch");
  rules["train.steps"] = used("train.steps");
  rules["train.gradient_checkpointing"] = used("train.checkpointing", on_or_off);
  rules["train.noise_scheduler"] =
      used("", words({{"flowmatch", ""}}), "training is by flow matching");
  rules["train.lr_scheduler"] = used(
      "train.schedule",
      words({{"constant", "constant"}, {"constant_with_warmup", "constant"}, {"cosine", "cosine"}}),
      "constant, linear and cosine decay are known; set train.schedule");
  rules["train.lr_scheduler_params.num_warmup_steps"] = used("train.warmup");
  rules["train.max_grad_norm"] = used("train.clip", number);
  rules["train.dtype"] = used("train.dtype",
                              words({{"bf16", "bf16"},
                                     {"bfloat16", "bf16"},
                                     {"fp32", "fp32"},
                                     {"float32", "fp32"},
                                     {"float", "fp32"}}),
                              "training is in bf16 or fp32");
  rules["train.optimizer_params.betas"] = used("train.betas");
  rules["train.optimizer_params.eps"] = used("train.eps", number);
  rules["train.optimizer_params.weight_decay"] = used("train.weight_decay", number);
  rules["train.timestep_type"] =
      used("train.timesteps.sampling", words({{"sigmoid", "logit_normal"}, {"linear", "uniform"}}),
           "timesteps are logit-normal or uniform");
  rules["train.train_unet"] = neutral({true}, "the transformer is what is trained");
  for (const char* key : {"train_text_encoder", "train_turbo", "train_refiner"}) {
    rules[std::string("train.") + key] = neutral({false}, "the transformer alone is trained");
  }
  for (const char* key : {"linear_timesteps",
                          "linear_timesteps2",
                          "do_cfg",
                          "do_random_cfg",
                          "dynamic_noise_offset",
                          "match_noise_norm",
                          "short_and_long_captions",
                          "inverted_mask_prior",
                          "learnable_snr_gos",
                          "bypass_guidance_embedding",
                          "diff_output_preservation",
                          "blank_prompt_preservation",
                          "do_prior_divergence",
                          "do_guidance_loss",
                          "do_differential_guidance",
                          "correct_pred_norm",
                          "standardize_images",
                          "standardize_latents",
                          "adaptive_scaling_factor",
                          "free_u",
                          "do_paramiter_swapping",
                          "force_consistent_noise",
                          "do_blank_stabilization"}) {
    rules[std::string("train.") + key] = neutral({false}, kOneObjective);
  }
  for (const char* key : {"noise_offset", "min_snr_gamma", "snr_gamma", "weight_jitter",
                          "random_noise_shift", "prompt_saturation_chance"}) {
    rules[std::string("train.") + key] = neutral({0}, kOneObjective);
  }
  for (const char* key :
       {"noise_multiplier", "img_multiplier", "latent_multiplier", "noisy_latent_multiplier",
        "pred_scaler", "cfg_scale", "optimal_noise_pairing_samples"}) {
    rules[std::string("train.") + key] = neutral({1}, kOneObjective);
  }
  rules["train.content_or_style"] = neutral({"balanced"}, kOneObjective);
  rules["train.loss_type"] = neutral({"mse"}, kOneObjective);
  rules["train.loss_target"] = neutral({"noise"}, kOneObjective);
  rules["train.min_denoising_steps"] = neutral({0}, kOneObjective);
  rules["train.max_denoising_steps"] = neutral({1000, 999}, kOneObjective);
  rules["train.prompt_dropout_prob"] = neutral({0}, "captions are dropped by caption_dropout_rate");
  rules["train.ema_config.use_feedback"] = neutral({false}, "the average is not fed back");
  rules["train.ema_config.param_multiplier"] = neutral({1}, "the average is not scaled");
  rules["train.force_first_sample"] = neutral({false}, "samples begin with the first interval");
  rules["train.merge_network_on_save"] = neutral({false}, "the result is the LoRA");
  rules["train.single_item_batching"] = neutral({false}, "use train.batch and train.accumulate");
  rules["train.start_step"] = neutral({0}, "a run goes on with --resume");
  for (const char* key :
       {"skip_first_sample", "xformers", "sdp", "attention_backend", "unload_text_encoder",
        "cache_text_embeddings", "diff_output_preservation_multiplier",
        "diff_output_preservation_class", "blank_prompt_preservation_multiplier",
        "switch_boundary_every", "unet_lr", "text_encoder_lr", "embedding_lr", "adapter_lr",
        "refiner_lr", "num_train_timesteps"}) {
    rules[std::string("train.") + key] = not_needed();
  }
}

void add_model(Rules& rules) {
  rules["model.name_or_path"] = used("model");
  for (const char* key : {"quantize", "quantize_te"}) {
    rules[std::string("model.") + key] = neutral({false}, kFullBase);
  }
  for (const char* key :
       {"qtype", "qtype_te", "quantize_kwargs", "low_vram", "auto_memory", "layer_offloading",
        "layer_offloading_transformer_percent", "layer_offloading_text_encoder_percent", "compile",
        "block_compile", "compile_mode", "dtype", "vae_dtype", "te_dtype", "vae_device",
        "te_device", "split_model_over_gpus", "is_flux", "arch"}) {
    rules[std::string("model.") + key] = not_needed();
  }
  for (const char* key : {"vae_path", "te_name_or_path", "unet_path", "extras_name_or_path",
                          "refiner_name_or_path"}) {
    rules[std::string("model.") + key] = neutral({""}, "a model is one folder or file");
  }
  for (const char* key :
       {"assistant_lora_path", "inference_lora_path", "lora_path", "unconditional_lora_path"}) {
    rules[std::string("model.") + key] = neutral({""}, "the base is trained as it is");
  }
  rules["model.attn_masking"] = neutral({false}, "the text is not masked, as in the paper");
  rules["model.use_flux_cfg"] = neutral({false}, kOneObjective);
  rules["model.model_kwargs"] = neutral({Json::object()}, "the model has no such settings");
}

void add_sample(Rules& rules) {
  rules["sample.sampler"] = used("", words({{"flowmatch", ""}}), "samples take Euler steps");
  rules["sample.sample_every"] = used("sample.every");
  rules["sample.sample_steps"] = used("sample.steps");
  rules["sample.guidance_scale"] = used("sample.guidance", number);
  rules["sample.seed"] = used("sample.seed");
  for (const char* key : {"width", "height"}) {
    const auto rule = neutral({}, "a sample has the size of the training canvases");
    rules[std::string("sample.") + key] = rule;
    rules[std::string("sample.samples.*.") + key] = rule;
  }
  for (const char* key : {"seed", "sample_steps", "guidance_scale"}) {
    rules[std::string("sample.samples.*.") + key] =
        neutral({}, "all prompts are sampled with the same settings");
  }
  for (const std::string section : {"sample.", "sample.samples.*."}) {
    rules[section + "neg"] = neutral({"", false}, "there is no negative prompt in training");
    rules[section + "network_multiplier"] = neutral({1, "1", "1.0"}, kOnlyPlainSamples);
    rules[section + "num_frames"] = neutral({1}, kOnlyPlainSamples);
    rules[section + "ctrl_img"] = neutral({""}, kOnlyPlainSamples);
    rules[section + "fps"] = not_needed();
  }
  rules["sample.walk_seed"] =
      neutral({true}, "the prompts take the seeds sample.seed, sample.seed + 1, ...");
  rules["sample.guidance_rescale"] = neutral({0}, kOnlyPlainSamples);
  rules["sample.sample_start_step"] = neutral({0}, "samples begin with the first interval");
  rules["sample.format"] = not_needed();
}

Rules all_rules() {
  Rules rules;
  rules["type"] = not_needed();
  rules["device"] = not_needed();
  rules["performance_log_every"] = not_needed();
  rules["sqlite_db_path"] = not_needed();
  rules["log_dir"] = not_needed();
  for (const char* key :
       {"log_every", "verbose", "use_wandb", "use_ui_logger", "project_name", "run_name"}) {
    rules[std::string("logging.") + key] = not_needed();
  }
  rules["trigger_word"] = used("data.trigger");
  rules["training_seed"] = used("train.seed");
  rules["network.type"] = not_needed();
  rules["network.linear"] = used("lora.rank");
  rules["network.rank"] = used("lora.rank");
  for (const char* key : {"conv", "conv_alpha", "transformer_only", "lokr_full_rank", "lokr_factor",
                          "old_lokr_format", "split_multistage_loras", "layer_offloading"}) {
    rules[std::string("network.") + key] = not_needed();
  }
  rules["network.dropout"] = neutral({0}, "a LoRA has no dropout");
  rules["network.pretrained_lora_path"] = neutral({""}, "give it as --init-lora");
  rules["network.all_layers"] = neutral({false}, "choose layers by lora.targets");
  add_save(rules);
  add_datasets(rules);
  add_train(rules);
  add_model(rules);
  add_sample(rules);
  return rules;
}

}  // namespace

const ForeignRule* foreign_rule(const std::string& pattern) {
  static const Rules rules = all_rules();
  const auto found = rules.find(pattern);
  return found == rules.end() ? nullptr : &found->second;
}

}  // namespace iclora::run
