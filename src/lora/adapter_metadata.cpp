#include "lora/adapter_metadata.h"

namespace iclora::lora {
namespace {

constexpr int kVersion = 1;

/// PEFT's LoraConfig arguments as diffusers keeps them. The file's halves are already scaled:
/// alpha equals the rank.
Json peft_config(const AdapterInfo& info) {
  return {{"transformer.r", info.rank},
          {"transformer.lora_alpha", info.rank},
          {"transformer.target_modules", info.modules}};
}

Json own(const AdapterInfo& info) {
  Json json = {{"version", kVersion}};
  const auto put = [&](const char* key, const std::string& value) {
    if (!value.empty()) json[key] = value;
  };
  put("task", info.task);
  put("grid", info.grid);
  put("panel", info.panel);
  put("dialect", info.dialect);
  put("trigger", info.trigger);
  json["base"] = {{"name", info.base}, {"sha256", info.base_sha256}};
  json["training"] = info.training;
  return json;
}

/// A number or text of `training` as the plain text that metadata holds.
std::string plain(const Json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

}  // namespace

std::map<std::string, std::string> adapter_metadata(const AdapterInfo& info) {
  std::map<std::string, std::string> out = {
      {"format", "pt"},
      {"lora_adapter_metadata", peft_config(info).dump()},
      {"iclora", own(info).dump()},
      {"modelspec.sai_model_spec", "1.0.1"},
      {"modelspec.architecture", info.architecture},
      {"modelspec.implementation", "diffusers"},
      {"modelspec.title", info.title},
      {"modelspec.resolution", info.resolution},
      {"modelspec.prediction_type", "velocity"},
      {"modelspec.date", info.finished_at},
      {"modelspec.hash_sha256", "0x" + info.tensors_sha256},
      {"ss_base_model_version", "flux1"},
      {"ss_network_module", "networks.lora_flux"},
      {"ss_network_dim", std::to_string(info.rank)},
      {"ss_network_alpha", std::to_string(info.rank)},
      {"ss_output_name", info.title},
      {"ss_training_started_at", info.started_at},
      {"ss_training_finished_at", info.finished_at},
      {"ss_resolution", info.resolution},
      {"ss_guidance_scale", "1.0"},
      {"ss_model_prediction_type", "raw"},
  };
  if (!info.trigger.empty()) {
    out["modelspec.trigger_phrase"] = info.trigger;
    out["trained_words"] = info.trigger;
  }
  for (const auto& [from, to] : {std::pair{"steps", "ss_steps"},
                                 {"batch", "ss_total_batch_size"},
                                 {"accumulate", "ss_gradient_accumulation_steps"},
                                 {"learning_rate", "ss_learning_rate"},
                                 {"optimizer", "ss_optimizer"},
                                 {"schedule", "ss_lr_scheduler"},
                                 {"seed", "ss_seed"},
                                 {"sets", "ss_num_train_images"},
                                 {"timesteps", "ss_timestep_sampling"},
                                 {"dtype", "ss_mixed_precision"}}) {
    const auto found = info.training.find(from);
    if (found != info.training.end()) out[to] = plain(*found);
  }
  return out;
}

}  // namespace iclora::lora
