// iclora dataset caption: joint captions from a vision model behind an OpenAI-compatible endpoint.

#include <cstdlib>
#include <memory>

#include "captions/http_client.h"
#include "cli/dataset.h"
#include "cli/library.h"
#include "cli/numbers.h"
#include "cli/output.h"
#include "cli/terminal_progress.h"
#include "cli/torch_folder.h"
#include "core/error.h"
#include "core/file.h"
#include "core/log.h"
#include "dataset/caption_sets.h"

namespace iclora::cli {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::string path;
  std::string endpoint;
  std::string model;
  std::string hint;
  std::optional<std::string> words, retries, timeout, concurrency, cache;
  bool no_cache = false;
  bool overwrite = false;
  LayoutWords layout;
  bool json = false;
};

std::optional<std::string> variable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

dataset::CaptionOptions caption_options(const Options& options) {
  dataset::CaptionOptions caption;
  caption.data = layout_options(options.layout);
  caption.endpoint = captions::parse_endpoint(options.endpoint, options.model);
  const std::string left_out = captions::take_key(caption.endpoint, variable);
  if (!left_out.empty()) log::warning("{}", left_out);
  caption.hint = options.hint;
  caption.overwrite = options.overwrite;
  if (options.words) caption.words = parse_integer(*options.words, "--words", 20, 2000);
  if (options.retries) {
    caption.patience.retries = parse_integer(*options.retries, "--retries", 0, 20);
  }
  if (options.timeout) {
    caption.patience.timeout =
        std::chrono::seconds(parse_integer(*options.timeout, "--timeout", 1, 86400));
  }
  if (options.concurrency) {
    caption.concurrency =
        static_cast<size_t>(parse_integer(*options.concurrency, "--concurrency", 1, 64));
  }
  if (options.no_cache && options.cache) {
    fail_input("--cache and --no-cache contradict each other; leave one of them out");
  }
  if (options.cache && options.cache->empty()) fail_input("--cache is empty; name a folder");
  if (!options.no_cache) {
    caption.cache = options.cache ? fs::path(*options.cache) : cache_folder() / "captions";
  }
  return caption;
}

std::string text_of(const dataset::CaptionReport& report) {
  std::string text;
  for (const dataset::CaptionedSet& set : report.written) {
    text += fmt::format("{}: {}\n", printable(set.file, 400), set.caption);
  }
  for (const dataset::Problem& problem : report.problems) {
    text += fmt::format("{}: {}\n", dataset::name_of(problem.level), dataset::line_of(problem));
  }
  return text + fmt::format("{} of {} sets captioned, {} kept what they had\n",
                            report.written.size(), report.sets, report.kept);
}

void run(const Options& options) {
  std::error_code ignored;
  if (!fs::exists(options.path, ignored)) {
    fail_input("'{}' is not there; check the path of the data set", printable(options.path, 400));
  }
  const dataset::CaptionOptions caption = caption_options(options);
  TerminalProgress progress;  // from here on a signal leaves nothing behind
  check_writable(options.path);
  const captions::HttpClient client(http_helper_path());
  const dataset::CaptionReport report = dataset::caption_sets(
      options.path, caption,
      [&client](const captions::HttpRequest& request, const std::function<bool()>& cancelled) {
        return client.post(request, cancelled);
      },
      progress);
  progress.end();
  if (options.json) {
    print_json(dataset::caption_report_to_json(report));
  } else {
    print_result(text_of(report));
  }
  const size_t without = report.failed + report.untried;
  if (without == 0) return;
  fail_input(
      "{} of {} sets got no caption; what is wrong stands above, and the same command goes "
      "on with these",
      without, report.sets);
}

void add_options(CLI::App& command, Options& options) {
  command
      .add_option("--model", options.model,
                  "The model, as the endpoint names it; else the one that it has loaded")
      ->type_name("NAME");
  command.add_option("--hint", options.hint, "What the model is to heed, in your words")
      ->type_name("TEXT");
  command
      .add_option("--words", options.words,
                  "Words of a whole caption, about (250); flux-mini reads about 90")
      ->type_name("N");
  command.add_flag("--overwrite", options.overwrite,
                   "Replace captions that are there; else they are kept");
  command.add_option("--concurrency", options.concurrency, "Questions on their way at once (1)")
      ->type_name("N");
  command
      .add_option("--retries", options.retries,
                  "How often a request is repeated that the endpoint does not take (5)")
      ->type_name("N");
  command.add_option("--timeout", options.timeout, "Seconds that one answer may take (300)")
      ->type_name("S");
  command
      .add_option("--cache", options.cache,
                  "Folder of answers, by what was asked; else in the user's cache")
      ->type_name("DIR");
  command.add_flag("--no-cache", options.no_cache, "Ask anew, and keep no answers");
  add_layout_options(command, options.layout);
  command.add_flag("--json", options.json, "One JSON object on stdout");
}

}  // namespace

void add_dataset_caption(CLI::App& dataset, Context& context) {
  CLI::App* command = add_command(
      dataset, "caption",
      "Writes joint captions from a vision model behind an OpenAI-compatible endpoint. A key is "
      "taken from ICLORA_API_KEY or OPENAI_API_KEY alone.",
      {{"iclora dataset caption sets/ --endpoint http://127.0.0.1:8080/v1",
        "llama-server, vLLM, LM Studio, ... on this machine"},
       {"iclora dataset caption sets/ --endpoint https://api.openai.com/v1 --model gpt-4o",
        "a service; the key is in ICLORA_API_KEY"},
       {"iclora dataset caption shots/ --grid 3x1 --dialect scene --endpoint "
        "http://127.0.0.1:8080/v1",
        "glued canvases of three panels"}});
  auto options = std::make_shared<Options>();
  auto* path =
      command->add_option("PATH", options->path, "A folder, or a sets.jsonl")->type_name("");
  auto* endpoint =
      command
          ->add_option("--endpoint", options->endpoint, "Base address; nothing else is contacted")
          ->type_name("URL");
  add_options(*command, *options);
  command->callback([=, &context] {
    context.run = [=] {
      need(*command, *path, "the data set (PATH)");
      need(*command, *endpoint, "--endpoint URL");
      run(*options);
    };
  });
}

}  // namespace iclora::cli
