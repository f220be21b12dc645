// iclora convert: a LoRA file under the names that another program looks for.

#include <memory>

#include "cli/commands.h"
#include "cli/output.h"
#include "cli/signals.h"
#include "core/error.h"
#include "core/file.h"
#include "lora/convert.h"

namespace iclora::cli {
namespace {

struct Options {
  std::string in, out, to;
  bool allow_unmatched = false;
  bool json = false;
};

void run(const Options& options) {
  const auto to = lora::target_from_name(options.to);
  if (!to) {
    fail_input("--to is '{}', expected diffusers, kohya or comfyui.", printable(options.to));
  }
  const std::filesystem::path out = options.out;
  if (out.extension() != ".safetensors") {
    fail_input("'{}' must end in .safetensors.", printable(options.out, 400));
  }
  std::error_code ignored;
  if (std::filesystem::equivalent(options.in, out, ignored)) {
    fail_input("'{}' is the file that is read; name another one.", printable(options.out, 400));
  }
  const lora::AdapterFile adapter = lora::read_adapter(options.in);
  watch_signals();  // without a look at the flag: what is begun here is soon finished
  check_writable(out);
  const size_t tensors = lora::convert_adapter(adapter, *to, out, options.allow_unmatched);
  if (options.json) {
    print_json({{"lora", options.out},
                {"from", adapter.layout},
                {"to", options.to},
                {"tensors", tensors},
                {"left_out", adapter.unknown_keys}});
    return;
  }
  print_result(options.out + "\n");
}

}  // namespace

void add_convert(CLI::App& app, Context& context) {
  CLI::App* command = add_command(
      app, "convert", "Writes a LoRA file under the names that another program looks for.",
      {{"iclora convert runs/story/lora/story.safetensors story-kohya.safetensors --to kohya",
        "for programs of the kohya family"},
       {"iclora convert story.safetensors story-comfy.safetensors --to comfyui",
        "for ComfyUI, with its alpha in the file"},
       {"iclora convert kohya.safetensors plain.safetensors --to diffusers",
        "for diffusers; every layer by its own name, the scale folded in"}});
  auto options = std::make_shared<Options>();
  auto* in = command->add_option("IN", options->in, "LoRA file, in any layout that iclora reads")
                 ->type_name("");
  auto* out =
      command->add_option("OUT", options->out, "File to write, .safetensors")->type_name("");
  auto* to =
      command->add_option("--to", options->to, "diffusers, kohya or comfyui")->type_name("NAME");
  command->add_flag("--allow-unmatched", options->allow_unmatched,
                    "Leave out tensors that are no part of a FLUX.1 LoRA");
  command->add_flag("--json", options->json, "One JSON object on stdout");
  command->callback([=, &context] {
    context.run = [=] {
      need(*command, *in, "the LoRA file (IN)");
      need(*command, *out, "the file to write (OUT)");
      need(*command, *to, "--to NAME");
      run(*options);
    };
  });
}

}  // namespace iclora::cli
