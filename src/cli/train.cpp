// iclora train: a LoRA, or a whole transformer, from sets of pictures.

#include <fmt/format.h>

#include <memory>

#include "cli/commands.h"
#include "cli/library.h"
#include "cli/output.h"
#include "cli/torch_folder.h"
#include "core/error.h"
#include "run/load_config.h"

namespace iclora::cli {
namespace {

struct Options {
  std::string config;
  std::vector<std::string> settings;
  std::optional<std::string> out, init_lora, replay;
  bool resume = false;
  bool json = false;
  bool quiet = false;
};

/// The request as the library takes it.
Json train_call(const Options& options, Terminal& terminal) {
  if (options.out == "") fail_input("--out is empty; name a folder");
  const run::LoadedConfig loaded = run::load_config(options.config, options.settings, options.out);
  for (const std::string& line : loaded.report) terminal.message(false, line);
  for (const std::string& note : loaded.notes) terminal.message(true, note);
  Json call = {{"config", run::config_to_json(loaded.config)},
               {"resume", options.resume},
               {"cache", (cache_folder() / "encodings").native()},
               {"model_search", Json::array()}};
  if (options.init_lora) call["init_lora"] = *options.init_lora;
  if (options.replay) call["replay"] = *options.replay;
  for (const auto& folder : model_search()) call["model_search"].push_back(folder.native());
  return call;
}

void run(const Options& options) {
  Json result;
  {
    Terminal terminal(options.quiet);
    result = call_library("train", train_call(options, terminal), terminal);
    terminal.message(false, fmt::format("done in {}, {} of memory at most",
                                        duration_text(result["seconds"].get<double>()),
                                        bytes_text(result["peak_bytes"].get<uint64_t>())));
  }
  if (options.json) {
    print_json(result);
  } else {
    print_result(result["lora"].get<std::string>() + "\n");
  }
}

}  // namespace

void add_train(CLI::App& app, Context& context) {
  CLI::App* command = add_command(
      app, "train", "Trains a LoRA on sets of pictures; the base model stays as it is.",
      {{"iclora train storyboard.yaml", "into runs/storyboard, as the file says"},
       {"iclora train storyboard.yaml --set train.steps=1000 --set lora.rank=8 --out runs/long",
        "single keys of the file replaced"},
       {"iclora train storyboard.yaml --resume", "goes on after a stop, as if there had been none"},
       {"iclora train movie-shots.yml --set model=/models/FLUX.1-dev --set data.path=sets",
        "the configuration of another trainer (ai-toolkit), each key accounted for"}});
  auto options = std::make_shared<Options>();
  auto* config = command->add_option("CONFIG", options->config,
                                     "YAML; the keys and their defaults are in docs/training.md");
  command->add_option("--set", options->settings, "A value that wins over the file's; repeatable")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  command->add_option("--out", options->out, "The run's folder; runs/NAME by default")
      ->type_name("DIR");
  command->add_flag("--resume", options->resume, "Go on from the newest valid checkpoint");
  command->add_option("--init-lora", options->init_lora, "Begin with this adapter's values")
      ->type_name("FILE");
  command
      ->add_option("--replay", options->replay,
                   "Micro-batches out of a file instead of data and random draws (for proof)")
      ->type_name("FILE");
  command->add_flag("--quiet", options->quiet, "No progress");
  command->add_flag("--json", options->json, "One JSON object on stdout");
  command->callback([=, &context] {
    context.run = [=] {
      need(*command, *config, "the configuration (CONFIG)");
      run(*options);
    };
  });
}

}  // namespace iclora::cli
