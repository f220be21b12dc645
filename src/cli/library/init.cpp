// `iclora init`: a model folder with random weights, from sizes.

#include "cli/library/init_plan.h"
#include "cli/library/verbs.h"
#include "core/disk_room.h"
#include "core/error.h"
#include "core/file.h"
#include "core/made_folders.h"
#include "sampling/resolve.h"
#include "tokenizers/clip_tokenizer.h"
#include "tokenizers/plain_vocabulary.h"
#include "tokenizers/t5_tokenizer.h"
#include "weights/random_init.h"

namespace iclora::cli {
namespace {

namespace fs = std::filesystem;

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

void write_tokenizers(const InitPlan& plan, const fs::path& folder) {
  const sampling::ModelConfigs& c = plan.configs;
  if (plan.tokenizer) {
    copy_tokenizer<tokenizers::ClipTokenizer>(*plan.tokenizer, folder / "tokenizer",
                                              c.clip.vocab_size);
  } else {
    tokenizers::write_byte_tokenizer(folder / "tokenizer");
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
    tokenizers::write_character_tokenizer(folder / "tokenizer_2", plan.text_length);
  }
  // What was made must be readable, and fit.
  copy_tokenizer<tokenizers::ClipTokenizer>(folder / "tokenizer", {}, c.clip.vocab_size);
  copy_tokenizer<tokenizers::T5Tokenizer>(folder / "tokenizer_2", {}, c.t5.vocab_size);
}

void write_model(const InitPlan& plan, const fs::path& folder, Progress& progress) {
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
  const InitPlan plan = read_init_plan(json_string(request, "config", origin), request);
  fs::path out = fs::path(json_string(request, "out", origin)).lexically_normal();
  if (!out.has_filename()) out = out.parent_path();
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
