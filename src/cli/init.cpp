// iclora init: a model folder with random weights, from sizes.

#include <limits>
#include <memory>
#include <optional>

#include "cli/commands.h"
#include "cli/library.h"
#include "cli/numbers.h"
#include "cli/output.h"

namespace iclora::cli {
namespace {

struct Options {
  std::string config;
  std::string out;
  std::optional<std::string> seed, dtype;
  bool json = false;
};

}  // namespace

void add_init(CLI::App& app, Context& context) {
  const auto options = std::make_shared<Options>();
  CLI::App* command =
      add_command(app, "init", "Makes a model folder with random weights, from sizes.",
                  {{"iclora init toy.yaml --out toy", "toy.yaml may be as short as: preset: toy"},
                   {"iclora init big.yaml --out big",
                    "with preset: flux-dev, FLUX.1-dev's own sizes (34 GB)"}});
  const CLI::Option* config = command->add_option(
      "CONFIG", options->config,
      "YAML: preset (flux-dev, flux-schnell, toy), dtype (bf16, fp32), seed, panel, "
      "dialect, text_length, shard_bytes, tokenizer and tokenizer_2 (folders to "
      "copy), and sizes below transformer, text_encoder, text_encoder_2, vae, "
      "scheduler, under the names of their config.json");
  const CLI::Option* out =
      command->add_option("--out", options->out, "The folder to make")->type_name("DIR");
  command->add_option("--seed", options->seed, "Of the weights; wins over the file")
      ->type_name("N");
  command->add_option("--dtype", options->dtype, "bf16 or fp32; wins over the file")
      ->type_name("NAME");
  command->add_flag("--json", options->json, "One JSON object on stdout");
  command->callback([=, &context] {
    context.run = [=] {
      need(*command, *config, "the configuration (CONFIG)");
      need(*command, *out, "--out DIR");
      Terminal terminal(false);
      Json request = {{"config", options->config}, {"out", options->out}};
      if (options->seed) {
        request["seed"] =
            parse_integer(*options->seed, "--seed", 0, std::numeric_limits<int64_t>::max());
      }
      if (options->dtype) request["dtype"] = *options->dtype;
      const Json result = call_library("init", request, terminal);
      if (options->json) {
        print_json(result);
      } else {
        print_result(result["model"].get<std::string>() + "\n");
      }
    };
  });
}

}  // namespace iclora::cli
