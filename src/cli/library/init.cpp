// `iclora init`: a model folder with random weights, from sizes.

#include <algorithm>

#include "cli/library/verbs.h"
#include "core/disk_room.h"
#include "core/error.h"
#include "core/file.h"
#include "core/made_folders.h"
#include "core/nearest.h"
#include "core/yaml.h"
#include "sampling/resolve.h"
#include "tokenizers/clip_tokenizer.h"
#include "tokenizers/t5_tokenizer.h"
#include "weights/random_init.h"

namespace iclora::cli {
namespace {

namespace fs = std::filesystem;

/// The configs a preset starts from; FLUX.1-dev's are the defaults of the structs.
struct Plan {
  sampling::ModelConfigs configs;
  int64_t text_length = 512;
  bool text_length_stated = false;   ///< then it also replaces a given tokenizer's own
  std::optional<std::string> panel;  ///< WxH, for iclora.json
  std::optional<std::string> dialect;
  std::optional<fs::path> tokenizer;  ///< folders to copy; none: small ones are made
  std::optional<fs::path> tokenizer_2;
  weights::RandomInit init;
};

Plan preset(const std::string& name) {
  Plan plan;
  if (name == "flux-dev") return plan;
  if (name == "flux-schnell") {
    plan.configs.transformer.guidance_embeds = false;
    plan.configs.schedule.use_dynamic_shifting = false;
    plan.configs.schedule.shift = 1.0;
    plan.text_length = 256;
    return plan;
  }
  if (name != "toy") {
    fail_input("'preset' must be flux-dev, flux-schnell or toy, but it is '{}'.", printable(name));
  }
  flux::Config& transformer = plan.configs.transformer;
  transformer.num_layers = 1;
  transformer.num_single_layers = 2;
  transformer.attention_head_dim = 32;
  transformer.num_attention_heads = 2;
  transformer.joint_attention_dim = 64;
  transformer.pooled_projection_dim = 64;
  transformer.axes_dims_rope = {4, 14, 14};
  text::ClipConfig& clip = plan.configs.clip;
  clip.vocab_size = 514;
  clip.hidden_size = 64;
  clip.intermediate_size = 256;
  clip.num_hidden_layers = 2;
  clip.num_attention_heads = 2;
  text::T5Config& t5 = plan.configs.t5;
  t5.vocab_size = 256;
  t5.d_model = 64;
  t5.d_kv = 32;
  t5.d_ff = 128;
  t5.num_layers = 2;
  t5.num_heads = 2;
  vae::Config& vae = plan.configs.vae;
  vae.block_out_channels = {16, 16, 32, 32};
  vae.layers_per_block = 1;
  vae.norm_num_groups = 8;
  plan.text_length = 64;
  plan.panel = "64x64";
  return plan;
}

const Json* member(const Json& yaml, const char* key) {
  const auto found = yaml.find(key);
  return found == yaml.end() || found->is_null() ? nullptr : &*found;
}

/// `base` with the keys of the section `key` in its place; a key that the part does not have is an
/// error.
Json overridden(const Json& base, const Json& yaml, const char* key, const std::string& origin) {
  const Json* section = member(yaml, key);
  if (section == nullptr) return base;
  if (!section->is_object()) fail_input("{}: '{}' must be a map of sizes.", origin, key);
  std::vector<std::string> known;
  for (const auto& [name, value] : base.items()) known.push_back(name);
  Json out = base;
  for (const auto& [name, value] : section->items()) {
    if (!base.contains(name)) {
      const auto guess = nearest(name, known);
      fail_input("{}: '{}.{}' is not a size of this part{}.", origin, key, printable(name),
                 guess ? "; did you mean '" + *guess + "'?" : std::string());
    }
    out[name] = value;
  }
  return out;
}

/// `request`: what stands beside the file wins over it.
Plan read_plan(const fs::path& path, const Json& request) {
  const std::string origin = "'" + printable(path.native(), 400) + "'";
  Json yaml = read_yaml(path);
  if (!yaml.is_object()) fail_input("{} must be a map; `preset: toy` is the shortest.", origin);
  for (const char* key : {"seed", "dtype"}) {
    if (const Json* value = member(request, key)) yaml[key] = *value;
  }
  const std::vector<std::string> known = {
      "preset",      "dtype",       "seed",        "panel",        "dialect",
      "text_length", "shard_bytes", "transformer", "text_encoder", "text_encoder_2",
      "vae",         "scheduler",   "tokenizer",   "tokenizer_2"};
  for (const auto& [key, value] : yaml.items()) {
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    const auto guess = nearest(key, known);
    fail_input("{}: '{}' is not a key of this file{}.", origin, printable(key),
               guess ? "; did you mean '" + *guess + "'?" : std::string());
  }
  Plan plan = preset(json_string_or(yaml, "preset", origin, "flux-dev"));
  sampling::ModelConfigs& configs = plan.configs;
  configs.transformer = flux::config_from_json(
      overridden(flux::config_to_json(configs.transformer), yaml, "transformer", origin),
      origin + ": transformer");
  configs.clip = text::clip_config_from_json(
      overridden(text::clip_config_to_json(configs.clip), yaml, "text_encoder", origin),
      origin + ": text_encoder");
  configs.t5 = text::t5_config_from_json(
      overridden(text::t5_config_to_json(configs.t5), yaml, "text_encoder_2", origin),
      origin + ": text_encoder_2");
  configs.vae = vae::config_from_json(
      overridden(vae::config_to_json(configs.vae), yaml, "vae", origin), origin + ": vae");
  configs.schedule = sampling::schedule_from_json(
      overridden(sampling::schedule_to_json(configs.schedule), yaml, "scheduler", origin),
      origin + ": scheduler");
  plan.text_length = json_integer_or(yaml, "text_length", origin, 1, 512, plan.text_length);
  plan.text_length_stated = member(yaml, "text_length") != nullptr;
  if (member(yaml, "panel") != nullptr) {
    plan.panel = json_string(yaml, "panel", origin);
    const sampling::Size size =
        *sampling::request_from_json({{"panel", *plan.panel}}, origin).panel;
    panels::check_token_multiple(size.width, size.height, origin + ": panel");
  }
  if (member(yaml, "dialect") != nullptr) {
    plan.dialect = json_string(yaml, "dialect", origin);
    captions::dialect_from_name(*plan.dialect);
  }
  // Paths are meant from where the file lies.
  for (const auto& [key, place] :
       {std::pair("tokenizer", &plan.tokenizer), {"tokenizer_2", &plan.tokenizer_2}}) {
    if (member(yaml, key) != nullptr) *place = path.parent_path() / json_string(yaml, key, origin);
  }
  // A vocabulary that is not stated is as large as the tokenizer that was given.
  const auto states_size = [&](const char* part) {
    const Json* section = member(yaml, part);
    return section != nullptr && section->contains("vocab_size");
  };
  if (plan.tokenizer && !states_size("text_encoder")) {
    configs.clip.vocab_size =
        std::max(configs.clip.vocab_size,
                 tokenizers::ClipTokenizer::open(*plan.tokenizer).vocabulary_size());
  }
  if (plan.tokenizer_2 && !states_size("text_encoder_2")) {
    configs.t5.vocab_size = std::max(
        configs.t5.vocab_size, tokenizers::T5Tokenizer::open(*plan.tokenizer_2).vocabulary_size());
  }
  plan.init.seed = static_cast<uint64_t>(json_integer_or(yaml, "seed", origin, 0, INT64_MAX, 0));
  plan.init.maximum_shard_bytes = static_cast<uint64_t>(
      json_integer_or(yaml, "shard_bytes", origin, 1000, INT64_MAX, 10'000'000'000));
  const std::string dtype = json_string_or(yaml, "dtype", origin, "bf16");
  if (dtype != "bf16" && dtype != "fp32") {
    fail_input("{}: 'dtype' must be bf16 or fp32, but it is '{}'.", origin, printable(dtype));
  }
  plan.init.dtype = dtype == "bf16" ? weights::Dtype::bf16 : weights::Dtype::f32;
  return plan;
}

void check_fit(const Plan& plan) {
  const sampling::ModelConfigs& c = plan.configs;
  const auto equal = [](const char* a, int64_t x, const char* b, int64_t y) {
    if (x != y) {
      fail_input("The sizes do not fit together: {} is {}, but {} is {}; make them equal.", a, x, b,
                 y);
    }
  };
  equal("transformer.pooled_projection_dim", c.transformer.pooled_projection_dim,
        "text_encoder.hidden_size", c.clip.hidden_size);
  equal("transformer.joint_attention_dim", c.transformer.joint_attention_dim,
        "text_encoder_2.d_model", c.t5.d_model);
  equal("transformer.in_channels", c.transformer.in_channels, "4 * vae.latent_channels",
        4 * c.vae.latent_channels);
  equal("the autoencoder's reduction", c.vae.downscale(), "what FLUX needs", 8);
}

/// CLIP's vocabulary without merges: each byte, alone and at the end of a word.
void write_byte_tokenizer(const fs::path& folder) {
  create_folders(folder);
  Json vocabulary = Json::object();
  std::vector<std::string> alphabet;
  for (const bool printable_bytes : {true, false}) {
    char32_t extra = 0x100;
    for (char32_t byte = 0; byte < 256; ++byte) {
      const bool shown =
          (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
      const char32_t c = shown ? byte : extra++;
      if (shown != printable_bytes) continue;
      std::string text;
      if (c < 0x80) {
        text.push_back(static_cast<char>(c));
      } else {
        text.push_back(static_cast<char>(0xC0 | c >> 6));
        text.push_back(static_cast<char>(0x80 | (c & 0x3F)));
      }
      alphabet.push_back(text);
    }
  }
  for (const std::string& symbol : alphabet) vocabulary[symbol] = vocabulary.size();
  for (const std::string& symbol : alphabet) vocabulary[symbol + "</w>"] = vocabulary.size();
  vocabulary["<|startoftext|>"] = vocabulary.size();
  vocabulary["<|endoftext|>"] = vocabulary.size();
  write_file(folder / "vocab.json", vocabulary.dump());
  write_file(folder / "merges.txt", "#version: 0.2\n");
  const Json config = {{"add_prefix_space", false},    {"bos_token", "<|startoftext|>"},
                       {"eos_token", "<|endoftext|>"}, {"model_max_length", 77},
                       {"pad_token", "<|endoftext|>"}, {"tokenizer_class", "CLIPTokenizer"},
                       {"unk_token", "<|endoftext|>"}};
  write_file(folder / "tokenizer_config.json", config.dump(2) + "\n");
}

/// A Unigram vocabulary of single ASCII characters.
void write_character_tokenizer(const fs::path& folder, int64_t length) {
  create_folders(folder);
  Json pieces = Json::array({{"<pad>", 0.0}, {"</s>", 0.0}, {"<unk>", 0.0}, {"\u2581", -2.0}});
  for (char c = 0x21; c < 0x7F; ++c) pieces.push_back({std::string(1, c), -4.0});
  Json added = Json::array();
  for (int id = 0; id < 3; ++id) {
    added.push_back({{"id", id},
                     {"content", pieces[static_cast<size_t>(id)][0]},
                     {"single_word", false},
                     {"lstrip", false},
                     {"rstrip", false},
                     {"normalized", false},
                     {"special", true}});
  }
  const Json metaspace = {{"type", "Metaspace"},
                          {"replacement", "\u2581"},
                          {"prepend_scheme", "always"},
                          {"split", true}};
  const Json json = {
      {"version", "1.0"},
      {"truncation", nullptr},
      {"padding", nullptr},
      {"added_tokens", added},
      {"normalizer", nullptr},
      {"pre_tokenizer",
       {{"type", "Sequence"},
        {"pretokenizers", Json::array({{{"type", "WhitespaceSplit"}}, metaspace})}}},
      {"post_processor",
       {{"type", "TemplateProcessing"},
        {"single", Json::array({{{"Sequence", {{"id", "A"}, {"type_id", 0}}}},
                                {{"SpecialToken", {{"id", "</s>"}, {"type_id", 0}}}}})},
        {"pair", Json::array({{{"Sequence", {{"id", "A"}, {"type_id", 0}}}},
                              {{"SpecialToken", {{"id", "</s>"}, {"type_id", 0}}}},
                              {{"Sequence", {{"id", "B"}, {"type_id", 0}}}},
                              {{"SpecialToken", {{"id", "</s>"}, {"type_id", 0}}}}})},
        {"special_tokens",
         {{"</s>",
           {{"id", "</s>"}, {"ids", Json::array({1})}, {"tokens", Json::array({"</s>"})}}}}}}},
      {"decoder", metaspace},
      {"model", {{"type", "Unigram"}, {"unk_id", 2}, {"vocab", pieces}, {"byte_fallback", false}}}};
  write_file(folder / "tokenizer.json", json.dump());
  const Json config = {{"eos_token", "</s>"},
                       {"extra_ids", 0},
                       {"model_max_length", length},
                       {"pad_token", "<pad>"},
                       {"tokenizer_class", "T5Tokenizer"},
                       {"unk_token", "<unk>"}};
  write_file(folder / "tokenizer_config.json", config.dump(2) + "\n");
}

template <typename Tokenizer>
void copy_tokenizer(const fs::path& from, const fs::path& to, int64_t vocabulary) {
  const int64_t size = Tokenizer::open(from).vocabulary_size();
  if (size > vocabulary) {
    fail_input(
        "The tokenizer '{}' has {} tokens, but the text encoder only {}; raise its vocab_size.",
        printable(from.native(), 400), size, vocabulary);
  }
  if (to.empty()) return;  // only checked
  create_folders(to);
  for (const auto& entry : fs::directory_iterator(from)) {
    if (entry.is_regular_file()) {
      write_file(to / entry.path().filename(), read_file(entry.path(), 64 << 20));
    }
  }
}

void write_tokenizers(const Plan& plan, const fs::path& folder) {
  const sampling::ModelConfigs& c = plan.configs;
  if (plan.tokenizer) {
    copy_tokenizer<tokenizers::ClipTokenizer>(*plan.tokenizer, folder / "tokenizer",
                                              c.clip.vocab_size);
  } else {
    write_byte_tokenizer(folder / "tokenizer");
  }
  if (plan.tokenizer_2) {
    copy_tokenizer<tokenizers::T5Tokenizer>(*plan.tokenizer_2, folder / "tokenizer_2",
                                            c.t5.vocab_size);
    const fs::path path = folder / "tokenizer_2/tokenizer_config.json";
    if (plan.text_length_stated) {
      std::error_code ignored;
      Json config = fs::exists(path, ignored) ? read_json(path) : Json::object();
      config["model_max_length"] = plan.text_length;
      write_file(path, config.dump(2) + "\n");
    }
  } else {
    write_character_tokenizer(folder / "tokenizer_2", plan.text_length);
  }
  // What was made must be readable, and fit.
  copy_tokenizer<tokenizers::ClipTokenizer>(folder / "tokenizer", {}, c.clip.vocab_size);
  copy_tokenizer<tokenizers::T5Tokenizer>(folder / "tokenizer_2", {}, c.t5.vocab_size);
}

void write_model(const Plan& plan, const fs::path& folder, Progress& progress) {
  const sampling::ModelConfigs& c = plan.configs;
  const auto part = [&](const char* name, const char* file, const Json& config) {
    create_folders(folder / name);
    write_file(folder / name / file, config.dump(2) + "\n");
    return folder / name;
  };
  const Json index = {{"_class_name", "FluxPipeline"},
                      {"_diffusers_version", "0.30.0"},
                      {"scheduler", {"diffusers", "FlowMatchEulerDiscreteScheduler"}},
                      {"text_encoder", {"transformers", "CLIPTextModel"}},
                      {"text_encoder_2", {"transformers", "T5EncoderModel"}},
                      {"tokenizer", {"transformers", "CLIPTokenizer"}},
                      {"tokenizer_2", {"transformers", "T5TokenizerFast"}},
                      {"transformer", {"diffusers", "FluxTransformer2DModel"}},
                      {"vae", {"diffusers", "AutoencoderKL"}}};
  write_tokenizers(plan, folder);
  part("scheduler", "scheduler_config.json", sampling::schedule_to_json(c.schedule));
  weights::write_random_weights(
      part("text_encoder", "config.json", text::clip_config_to_json(c.clip)), "model",
      text::parameters(c.clip), plan.init, progress);
  weights::write_random_weights(
      part("text_encoder_2", "config.json", text::t5_config_to_json(c.t5)), "model",
      text::parameters(c.t5), plan.init, progress);
  weights::write_random_weights(part("vae", "config.json", vae::config_to_json(c.vae)),
                                "diffusion_pytorch_model", vae::parameters(c.vae), plan.init,
                                progress);
  weights::write_random_weights(
      part("transformer", "config.json", flux::config_to_json(c.transformer)),
      "diffusion_pytorch_model", flux::parameters(c.transformer), plan.init, progress);
  Json native = Json::object();
  if (plan.panel) native["panel"] = *plan.panel;
  if (plan.dialect) native["dialect"] = *plan.dialect;
  if (!native.empty()) write_file(folder / "iclora.json", native.dump(2) + "\n");
  write_file(folder / "model_index.json", index.dump(2) + "\n");
}

int64_t parameter_count(const sampling::ModelConfigs& configs) {
  int64_t count = 0;
  for (const auto& list : {flux::parameters(configs.transformer), text::parameters(configs.clip),
                           text::parameters(configs.t5), vae::parameters(configs.vae)}) {
    for (const auto& parameter : list) count += parameter.element_count();
  }
  return count;
}

/// Removes what was begun unless it was published.
class Unfinished {
 public:
  explicit Unfinished(fs::path folder) : folder_(std::move(folder)) {}
  ~Unfinished() {
    std::error_code ignored;
    if (!folder_.empty()) fs::remove_all(folder_, ignored);
  }
  Unfinished(const Unfinished&) = delete;
  Unfinished& operator=(const Unfinished&) = delete;
  void publish(const fs::path& name) {
    std::error_code error;
    fs::remove(name, error);  // an empty folder that was there
    fs::rename(folder_, name, error);
    if (error) {
      fail(ErrorKind::output, "'{}' cannot be created: {}.", printable(name.native(), 400),
           error.message());
    }
    folder_.clear();
  }

 private:
  fs::path folder_;
};

}  // namespace

Json init(const Json& request, Progress& progress) {
  const std::string origin = "the request";
  Plan plan = read_plan(json_string(request, "config", origin), request);
  fs::path out = fs::path(json_string(request, "out", origin)).lexically_normal();
  if (!out.has_filename()) out = out.parent_path();
  check_fit(plan);
  if (plan.tokenizer) {
    copy_tokenizer<tokenizers::ClipTokenizer>(*plan.tokenizer, {}, plan.configs.clip.vocab_size);
  }
  if (plan.tokenizer_2) {
    copy_tokenizer<tokenizers::T5Tokenizer>(*plan.tokenizer_2, {}, plan.configs.t5.vocab_size);
  }
  std::error_code ignored;
  if (fs::is_symlink(fs::symlink_status(out, ignored))) {
    fail(ErrorKind::output, "'{}' is a link; name a new folder, or the one that it leads to.",
         printable(out.native(), 400));
  }
  if (fs::exists(out, ignored) && !(fs::is_directory(out, ignored) && fs::is_empty(out, ignored))) {
    fail(ErrorKind::output, "'{}' exists already; name a new folder, or remove it first.",
         printable(out.native(), 400));
  }
  check_writable(out);
  const int64_t parameters = parameter_count(plan.configs);
  check_room(out, static_cast<uint64_t>(parameters) * weights::size_of(plan.init.dtype));
  MadeFolders made(out.has_parent_path() ? out.parent_path() : ".");
  const fs::path aside = out.parent_path() / ("." + out.filename().native() + ".part");
  fs::remove_all(aside, ignored);
  Unfinished unfinished(aside);
  create_folders(aside);
  write_model(plan, aside, progress);
  // The result must open as any model does; then it gets its name.
  sampling::read_configs(weights::open_model_folder(aside));
  unfinished.publish(out);
  made.keep();

  return {{"model", out.native()}, {"parameters", parameters}};
}

}  // namespace iclora::cli
