#include "cli/given_option.h"

#include <filesystem>
#include <set>

#include "cli/generate_request.h"
#include "cli/numbers.h"
#include "core/error.h"

namespace iclora::cli {

Json parse_given(const std::string& text) {
  const std::string what =
      "--given must be N=IMAGE, such as 1=cat.png or 1=set.png#2, but it is '" +
      printable(text, 400) + "'";
  const size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == text.size()) {
    fail_input("{}", what);
  }
  const std::string number = text.substr(0, equals);
  if (number.find_first_not_of("0123456789") != std::string::npos) fail_input("{}", what);
  Json given = {{"panel", parse_integer(number, "the panel of --given", 1, 1 << 16)}};
  std::string file = text.substr(equals + 1);
  const size_t hash = file.rfind('#');
  std::error_code ignored;
  if (hash != std::string::npos && hash > 0 && !std::filesystem::exists(file, ignored)) {
    given["cut"] =
        parse_integer(file.substr(hash + 1), "the panel behind # of --given", 1, 1 << 16);
    file.resize(hash);
  }
  need_file(file, "--given");
  given["image"] = file;
  return given;
}

void add_given(const GivenOptions& options, const std::optional<panels::Grid>& grid,
               Json& request) {
  std::set<int64_t> seen;
  for (const std::string& text : options.given) {
    Json given = parse_given(text);
    const int64_t panel = given["panel"];
    if (!seen.insert(panel).second) {
      fail_input("--given names panel {} twice; each panel has one picture", panel);
    }
    if (grid && panel > grid->count()) {
      fail_input("--given names panel {}, but the grid {} has {}; use 1 to {}, or another --grid",
                 panel, panels::to_string(*grid), grid->count(), grid->count());
    }
    request["given"].push_back(std::move(given));
  }
  const auto choice = [&](const std::optional<std::string>& value, const char* key,
                          const char* option, const std::vector<std::string>& known) {
    if (value) request[key] = parse_choice(*value, option, known);
  };
  choice(options.condition, "condition", "--condition", {"clean", "replace", "sdedit"});
  choice(options.given_timestep, "given_timestep", "--given-timestep", {"shared", "zero"});
  choice(options.given_sees, "given_sees", "--given-sees", {"all", "given"});
  choice(options.given_as, "given_as", "--given-as", {"pasted", "decoded"});
  choice(options.given_fit, "given_fit", "--given-fit", {"cover", "contain"});
  if (options.strength) {
    request["strength"] = parse_number(*options.strength, "--strength", 0.001, 1);
  }
  if (options.given_attention) {
    request["given_attention"] = parse_positive(*options.given_attention, "--given-attention");
  }
}

void add_revision(const GivenOptions& options, bool from, Json& call) {
  if (options.redo.empty() && options.extend.empty()) return;
  const char* name = options.redo.empty() ? "--extend" : "--redo";
  if (!options.redo.empty() && !options.extend.empty()) {
    fail_input("--redo and --extend are two runs; take the second from the result of the first");
  }
  if (!from) fail_input("{} needs the set that it is about; add --from PICTURE", name);
  for (const char* other : {"given", "grid", "panel", "size"}) {
    if (call.contains(other)) {
      fail_input("--{} contradicts {}, which takes it from the picture; leave it out", other, name);
    }
  }
  for (const std::string& number : options.redo) {
    call["redo"].push_back(parse_integer(number, "--redo", 1, 1 << 16));
  }
  if (options.extend.empty()) return;
  for (const char* other : {"prompt", "panel_prompts", "dialect"}) {
    if (call.contains(other)) {
      fail_input(
          "--extend continues the picture's own caption; leave --prompt, --panel-prompt and "
          "--dialect out");
    }
  }
  call["extend"] = options.extend;
}

}  // namespace iclora::cli
