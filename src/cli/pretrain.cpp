// iclora pretrain: a whole small model from drawings with captions.

#include <memory>

#include "cli/commands.h"
#include "cli/library.h"
#include "cli/numbers.h"
#include "cli/output.h"

namespace iclora::cli {
namespace {

struct Options {
  std::string recipe, out;
  std::vector<std::string> stages;
  std::optional<std::string> packs, threads;
  bool quiet = false;
  bool json = false;
};

void run(const Options& options) {
  Json result;
  {
    Terminal terminal(options.quiet);
    Json call = {{"recipe", options.recipe}, {"out", options.out}, {"stages", options.stages}};
    if (options.packs) call["packs"] = *options.packs;
    if (options.threads) {
      call["threads"] = parse_integer(*options.threads, "--threads", 1, 1024);
    }
    result = call_library("pretrain", call, terminal);
  }
  if (options.json) {
    print_json(result);
  } else {
    print_result(result["model"].get<std::string>() + "\n");
  }
}

}  // namespace

void add_pretrain(CLI::App& app, Context& context) {
  CLI::App* command = add_command(
      app, "pretrain", "Trains a whole small model from nothing: autoencoder, texts, transformer.",
      {{"iclora pretrain models/flux-mini.yaml --packs packs --out flux-mini",
        "begins, or goes on where it was stopped"},
       {"iclora pretrain models/flux-mini.yaml --packs packs --out flux-mini --stages vae",
        "one stage alone"}});
  auto options = std::make_shared<Options>();
  auto* recipe =
      command->add_option("RECIPE", options->recipe,
                          "YAML: sizes ('init') or a model to go on from ('from'), packs of "
                          "drawings, stages with their phases");
  auto* out = command->add_option("--out", options->out, "Folder of the model and of its training")
                  ->type_name("DIR");
  command->add_option("--packs", options->packs, "Where the packs lie; wins over the recipe")
      ->type_name("DIR");
  command
      ->add_option("--stages", options->stages,
                   "Of vae, text, transformer, guidance; all by default")
      ->type_name("NAME")
      ->check(CLI::IsMember({"vae", "text", "transformer", "guidance"}));
  command->add_option("--threads", options->threads, "Threads to compute with")->type_name("N");
  command->add_flag("--quiet", options->quiet, "No progress");
  command->add_flag("--json", options->json, "One JSON object on stdout");
  command->callback([=, &context] {
    context.run = [=] {
      need(*command, *recipe, "the recipe (RECIPE)");
      need(*command, *out, "--out DIR");
      run(*options);
    };
  });
}

}  // namespace iclora::cli
