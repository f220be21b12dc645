// iclora generate: a set of pictures from a prompt.

#include <memory>

#include "cli/commands.h"
#include "cli/generate_request.h"
#include "cli/library.h"
#include "cli/output.h"
#include "core/error.h"

namespace iclora::cli {
namespace {

struct Options {
  GenerateOptions generate;
  bool json = false;
  bool quiet = false;
};

void run(const Options& options) {
  const Json call = generate_call(options.generate, model_search());
  Json result;
  {
    Terminal terminal(options.quiet);
    result = call_library("generate", call, terminal);
    terminal.message(false, fmt::format("done in {}, {} of memory at most",
                                        duration_text(result["seconds"].get<double>()),
                                        bytes_text(result["peak_bytes"].get<uint64_t>())));
  }
  // Without it nobody could ask for this picture again.
  if (options.quiet && !options.json && !options.generate.seed) {
    fmt::print(stderr, "seed {}\n", result["seed"].get<uint64_t>());
  }
  if (options.json) {
    print_json(result);
    return;
  }
  std::string paths;
  for (size_t i = 0; i < result["canvases"].size(); ++i) {
    paths += result["canvases"][i].get<std::string>() + "\n";
    for (const Json& panel : result["panels"][i]) paths += panel.get<std::string>() + "\n";
  }
  print_result(paths);
}

}  // namespace

void add_generate(CLI::App& app, Context& context) {
  CLI::App* command = add_command(
      app, "generate", "Makes a set of pictures on one canvas from a prompt, and splits it.",
      {{"iclora generate --prompt \"a fox on a beach, flat icon\" --out fox.png",
        "one picture, with flux-mini"},
       {"iclora generate --model DIR --grid 1x2 --prompt \"two mugs\" --panel-prompt \"red\" "
        "--panel-prompt \"blue\" --out mugs/",
        "a set of two panels: canvas-01.png, canvas-01-panel-1.png, canvas-01-panel-2.png"},
       {"iclora generate --model DIR --lora storyboard.safetensors:0.9 --prompt \"[MOVIE-SHOTS] "
        "<Anna> goes home: [SCENE-1] she leaves, [SCENE-2] she walks, [SCENE-3] she is there.\" "
        "--out shots/",
        "a joint caption; the grid comes from the adapter or from the markers"},
       {"iclora generate --task film-storyboard --prompt \"a film storyboard of <Max> in three "
        "scenes\" --panel-prompt \"<Max>, a flat fox, on the beach\" --panel-prompt \"<Max> in the "
        "forest\" --panel-prompt \"<Max> at night\" --out story/",
        "with the adapter of a task; the others are in docs/zoo.md"},
       {"iclora generate --model DIR --grid 1x2 --given 1=cat.jpg --prompt \"[LEFT] a cat [RIGHT] "
        "the same cat, asleep\" --out cats/",
        "the left panel is given, the right one is drawn to it"},
       {"iclora generate --model DIR --grid 1x2 --given 1=cat.jpg --given-attention 1.3 --prompt "
        "\"[LEFT] a cat [RIGHT] the same cat, asleep\" --out cats/",
        "the right panel looks more at the left one"},
       {"iclora generate --model DIR --method gdt --grid 1x2 --prompt \"two mugs\" --panel-prompt "
        "\"red\" --panel-prompt \"blue\" --out mugs/",
        "each panel a sequence of its own, with a caption of its own (docs/methods.md)"},
       {"iclora generate --from shots/canvas-01.png --out again/", "the same picture again"},
       {"iclora generate --from shots/canvas-01.png --redo 2 --out other/",
        "its second panel anew, the others kept"},
       {"iclora generate --from shots/canvas-01.png --extend \"she sleeps.\" --out longer/",
        "a fourth panel, the first three kept"},
       {"iclora generate --grid 1x2 --prompt \"two mugs\" --panel-prompt \"red\" --panel-prompt "
        "\"blue\" --candidates 8 --out mugs/",
        "eight seeds in few steps, the best of them finished (docs/candidates.md)"}});
  auto options = std::make_shared<Options>();
  GenerateOptions& generate = options->generate;
  const auto text = [&](const char* name, std::optional<std::string>& value, const char* help,
                        const char* type) {
    return command->add_option(name, value, help)->type_name(type);
  };
  const auto list = [&](const char* name, std::vector<std::string>& values, const char* help,
                        const char* type) {
    command->add_option(name, values, help)->type_name(type)->allow_extra_args(false);
  };
  text("--model", generate.model,
       "Model folder in the diffusers layout, or a name; flux-mini by default", "DIR|NAME");
  auto* prompt =
      text("--prompt", generate.prompt, "A joint caption, or what the whole set shows", "TEXT");
  list("--panel-prompt", generate.panel_prompts, "What one panel shows; once a panel, in order",
       "TEXT");
  text("--negative-prompt", generate.negative_prompt, "What to steer away from, with --cfg",
       "TEXT");
  text("--cfg", generate.cfg, "True classifier-free guidance; off by default, twice the work", "S");
  text("--grid", generate.grid,
       "Rows x columns of panels; else from the adapter, the prompt's markers, or one", "RxC");
  text("--panel", generate.panel, "Pixels of a panel, multiples of 16", "WxH");
  text("--size", generate.size, "Pixels of the whole canvas, instead of --panel", "WxH");
  text("--dialect", generate.dialect,
       "Markers of panel prompts: scene, image, panel, sides, halves, corners", "NAME");
  text("--method", generate.method,
       "How panels stand before the model: side by side on one canvas, or gdt: each a sequence of "
       "its own with its own caption; else as the adapter was trained, else canvas",
       "canvas|gdt");
  text("--steps", generate.steps, "Denoising steps; 20 by default", "N");
  text("--guidance", generate.guidance, "Distilled guidance; 3.5 by default", "S");
  text("--seed", generate.seed, "Makes a run repeatable; drawn and said when left out", "N");
  text("--count", generate.count, "How many canvases; 1 by default", "N");
  list("--lora", generate.loras, "An adapter and its strength (1 by default); repeatable",
       "FILE[:STRENGTH]");
  text("--task", generate.task,
       "Take the adapter of a task, ours or the paper's: film-storyboard, font-design, ...",
       "NAME");
  command->add_flag("--allow-unmatched", generate.allow_unmatched,
                    "Go on when an adapter has tensors that the model has not");
  list("--given", generate.given.given,
       "The picture of panel N, or panel K of a canvas that iclora drew; once a given panel",
       "N=IMAGE[#K]");
  text("--condition", generate.given.condition,
       "How given panels act: clean, replace or sdedit; else clean where the adapter was trained "
       "with given panels, replace where not",
       "NAME");
  text("--strength", generate.given.strength,
       "Of sdedit: the share of the steps that is taken; 1 by default", "S");
  text("--given-timestep", generate.given.given_timestep,
       "Of clean: given panels share the timestep or stay at zero; else as the adapter was trained",
       "shared|zero");
  text("--given-sees", generate.given.given_sees,
       "Of clean at timestep zero: given panels see all or only given ones, whose keys and values "
       "are then computed once; else as the adapter was trained",
       "all|given");
  text("--given-attention", generate.given.given_attention,
       "How much more the other panels look at given ones, such as 1.3; 1 by default", "G");
  text("--given-as", generate.given.given_as,
       "Given panels come back as pasted pixels (the default) or as decoded by the model",
       "pasted|decoded");
  text("--given-fit", generate.given.given_fit,
       "How given pictures fill their panels: cover (the default) or contain", "NAME");
  text("--text-length", generate.text_length, "T5 tokens; else as the model has it", "N");
  text("--dtype", generate.dtype, "fp32 or bf16; bf16 by default where the processor has it",
       "NAME");
  text("--device", generate.device, "cpu or cuda; cuda by default where there is one", "NAME");
  text("--threads", generate.threads, "Processor threads; all by default", "N");
  text("--noise", generate.noise, "safetensors with `noise`, instead of the seeded noise", "FILE");
  text("--save-latents", generate.save_latents, "Also write the final latents", "FILE");
  auto* from =
      text("--from", generate.from,
           "Take the request from a picture; options given here replace its own", "PICTURE");
  list("--redo", generate.given.redo,
       "Panel N of the picture of --from anew, the others kept; once a panel", "N");
  list("--extend", generate.given.extend,
       "One more panel for the set of --from, and what it shows; once a panel", "TEXT");
  auto* out = text("--out", generate.out, "A folder, or a file that ends in .png", "DIR|FILE.png");
  CandidateOptions& candidates = generate.candidates;
  text("--candidates", candidates.candidates,
       "Draw N seeds, from --seed on, in few steps, score them, and finish the best", "N");
  text("--keep", candidates.keep, "How many of the candidates are finished; 1 by default", "K");
  text("--candidate-steps", candidates.candidate_steps,
       "Steps of a candidate; two fifths of --steps by default", "N");
  text("--score", candidates.score,
       "What scores them: classifier (of flux-mini's world; the default where it can read the "
       "prompt), pixels (of any model; else the default), or judge",
       "NAME");
  text("--classifier", candidates.classifier,
       "Of --score classifier; else the one beside the model", "FILE");
  text("--judge", candidates.judge,
       "Let a vision model score them: base address of an OpenAI-compatible endpoint; a key is "
       "taken from ICLORA_API_KEY or OPENAI_API_KEY alone",
       "URL");
  text("--judge-model", candidates.judge_model, "Of --judge, as the endpoint names it", "NAME");
  text("--judge-hint", candidates.judge_hint, "What --judge is to heed, in your words", "TEXT");
  command->add_flag("--no-split", generate.no_split, "Write canvases alone, no panels");
  command->add_flag("--quiet", options->quiet, "No progress; a seed that was drawn is said");
  command->add_flag("--json", options->json, "One JSON object on stdout");
  command->callback([=, &context] {
    context.run = [=] {
      if (from->count() == 0) need(*command, *prompt, "--prompt TEXT");
      need(*command, *out, "--out DIR|FILE.png");
      run(*options);
    };
  });
}

}  // namespace iclora::cli
