#include "cli/usage.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <span>

#include "cli/output.h"
#include "core/error.h"
#include "core/nearest.h"

namespace iclora::cli {
namespace {

/// Help with the examples before the options: they are what most people look for.
class HelpFormatter final : public CLI::Formatter {
 public:
  std::string make_help(const CLI::App* app, std::string name,
                        CLI::AppFormatMode mode) const override {
    if (mode == CLI::AppFormatMode::Sub) return make_expanded(app);
    std::string out = app->get_description() + "\n\n";
    out += make_usage(app, std::move(name));
    if (!app->get_footer().empty()) out += "\nExamples:\n" + app->get_footer();
    out += make_positionals(app);
    out += make_groups(app, mode);
    out += make_subcommands(app, mode);
    return out;
  }
};

std::vector<std::string> command_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands({})) names.push_back(command->get_name());
  return names;
}

std::vector<std::string> option_names(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    for (const std::string& name : option->get_snames()) names.push_back("-" + name);
  }
  return names;
}

/// "--seed=3" -> "--seed".
std::string name_part(const std::string& argument) {
  return argument.substr(0, argument.find('='));
}

bool looks_like_option(const std::string& argument) {
  return argument.size() > 1 && argument[0] == '-' &&
         (argument[1] == '-' || std::isalpha(static_cast<unsigned char>(argument[1])));
}

/// "split", or "dataset check" of a command inside a command.
std::string full_name(const CLI::App& command) {
  const CLI::App* parent = command.get_parent();
  if (parent == nullptr || parent->get_parent() == nullptr) return command.get_name();
  return full_name(*parent) + " " + command.get_name();
}

[[noreturn]] void refuse_unknown(const CLI::App& command, const std::string& argument) {
  const std::string help =
      fmt::format("'iclora {} --help' lists what there is", full_name(command));
  if (!looks_like_option(argument)) {
    fail_input("{}: '{}' was not expected; {}", full_name(command), printable(argument), help);
  }
  const std::string name = name_part(argument);
  const auto near = nearest(name, option_names(command));
  fail_input("{}: there is no option '{}'; {}", full_name(command), printable(name),
             near ? fmt::format("did you mean '{}'?", *near) : help);
}

/// The command that `arguments` begin with, or none for --help and --version. `app` is the program,
/// or a command that has commands of its own.
CLI::App* named_command(CLI::App& app, std::span<const std::string> arguments) {
  const std::string line = app.get_parent() == nullptr ? "iclora" : "iclora " + full_name(app);
  const std::string help = fmt::format("'{} --help' lists them", line);
  if (arguments.empty()) {
    if (app.get_parent() == nullptr) fail_input("no command was given; {}", help);
    fail_input("{}: what to do is missing; {}", full_name(app), help);
  }
  const std::string& word = arguments[0];
  const std::vector<std::string> names = command_names(app);
  if (std::find(names.begin(), names.end(), word) != names.end()) {
    return app.get_subcommand(word);
  }
  if (word == "--help" || word == "-h" || word == "--version") return nullptr;
  if (looks_like_option(word)) {
    const auto option = option_names(app);
    const auto near = nearest(name_part(word), option);
    fail_input("there is no option '{}' before a command; {}", printable(name_part(word)),
               near ? fmt::format("did you mean '{}'?", *near)
                    : fmt::format("'{} --help' lists the commands", line));
  }
  const auto near = nearest(word, names);
  fail_input("there is no command '{}{}'; {}",
             app.get_parent() == nullptr ? "" : full_name(app) + " ", printable(word),
             near ? fmt::format("did you mean '{} {}'?", line, *near)
                  : fmt::format("'{} --help' lists the commands", line));
}

/// What CLI11 lets pass: a flag with a value, and `--prompt --steps 4`, where it takes "--steps" as
/// the prompt. A value that begins like an option of the command is written `--prompt=--steps`.
void check_values(CLI::App& command, std::span<const std::string> arguments) {
  const std::vector<std::string> known = option_names(command);
  const auto is_known = [&](const std::string& word) {
    return std::find(known.begin(), known.end(), word) != known.end();
  };
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i] == "--") return;
    const std::string name = name_part(arguments[i]);
    if (!is_known(name)) continue;
    const CLI::Option* option = command.get_option_no_throw(name);
    if (option == nullptr) continue;
    const bool flag = option->get_expected_min() == 0 || option->get_type_size() == 0;
    if (flag && name != arguments[i]) {
      fail_input("{}: '{}' takes no value", full_name(command), name);
    }
    if (flag || name != arguments[i]) continue;
    const bool last = i + 1 == arguments.size();
    if (last || is_known(name_part(arguments[i + 1]))) {
      fail_input("{}: '{}' needs a value{}", full_name(command), arguments[i],
                 last ? "" : fmt::format(", but '{}' follows", printable(arguments[i + 1])));
    }
    ++i;
  }
}

/// `--prompt=` is an empty prompt; CLI11 would take the next word for its value.
std::vector<std::string> with_empty_values(const std::vector<std::string>& arguments) {
  std::vector<std::string> out;
  bool options = true;
  for (const std::string& argument : arguments) {
    options = options && argument != "--";
    if (options && argument.starts_with("--") && argument.find('=') + 1 == argument.size()) {
      out.push_back(name_part(argument));
      out.emplace_back();
    } else {
      out.push_back(argument);
    }
  }
  return out;
}

void refuse_repeated(const CLI::App& command) {
  for (const CLI::Option* option : command.get_options()) {
    const bool one = option->get_expected_max() <= 1 && !option->get_allow_extra_args() &&
                     option->get_multi_option_policy() == CLI::MultiOptionPolicy::Throw &&
                     option->get_type_size() > 0 && !option->get_positional();
    if (one && option->count() > 1) {
      fail_input("{}: '{}' is given {} times, but takes one value", full_name(command),
                 option->get_name(), option->count());
    }
  }
}

/// CLI11's sentences name the option but not the command, and may have several lines.
[[noreturn]] void refuse(const CLI::App* command, const CLI::ParseError& error) {
  std::string what = error.what();
  std::replace(what.begin(), what.end(), '\n', ' ');
  fail_input("{}: {}; '--help' shows how it is used",
             command == nullptr ? "the command line" : full_name(*command), printable(what, 300));
}

}  // namespace

void prepare(CLI::App& app) {
  app.description(
      "iclora trains and runs In-Context LoRAs: sets of related images, made in one go.");
  app.formatter(std::make_shared<HelpFormatter>());
  app.get_formatter()->column_width(34);
  app.name("iclora");
  app.set_help_flag("-h,--help", "This help");
  app.footer(
      "  iclora doctor                      what this machine has and what is missing\n"
      "  iclora COMMAND --help              examples and options of a command\n");
}

CLI::App* add_command(CLI::App& app, const std::string& name, const std::string& summary,
                      const std::vector<Example>& examples) {
  CLI::App* command = app.add_subcommand(name, summary);
  command->set_help_flag("-h,--help", "This help");
  command->allow_extras();
  std::string text;
  for (const Example& example : examples) {
    if (!example.what.empty()) text += "  # " + example.what + "\n";
    text += "  " + example.line + "\n";
  }
  command->footer(text);
  return command;
}

void need(const CLI::App& command, const CLI::Option& option, std::string_view what) {
  if (option.count() > 0) return;
  fail_input("{}: {} is missing; 'iclora {} --help' has examples", full_name(command), what,
             full_name(command));
}

bool parse_line(CLI::App& app, int argc, const char* const* argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  if (arguments.empty()) fmt::print(stderr, "{}\n", app.help());
  std::span<const std::string> rest = arguments;
  CLI::App* command = named_command(app, rest);
  if (command != nullptr) rest = rest.subspan(1);
  while (command != nullptr && !command->get_subcommands({}).empty()) {
    CLI::App* inner = named_command(*command, rest);
    if (inner == nullptr) break;  // help of the outer one
    command = inner;
    rest = rest.subspan(1);
  }
  const auto end = std::find(arguments.begin(), arguments.end(), "--");
  const bool help = std::any_of(arguments.begin(), end, [](const std::string& argument) {
    return argument == "--help" || argument == "-h";
  });
  if (help) {
    const std::string before = command == nullptr || command->get_parent()->get_parent() == nullptr
                                   ? "iclora"
                                   : "iclora " + full_name(*command->get_parent());
    print_result(command == nullptr ? app.help() : command->help(before));
    return false;
  }
  if (command != nullptr) check_values(*command, rest);
  std::vector<std::string> words = with_empty_values(arguments);
  std::reverse(words.begin(), words.end());  // as CLI11 wants them
  try {
    app.parse(words);
  } catch (const CLI::CallForVersion& version) {
    print_result(std::string(version.what()) + "\n");
    return false;
  } catch (const CLI::ParseError& error) {
    if (command != nullptr) {
      for (const std::string& argument : command->remaining()) {
        if (argument != "--") refuse_unknown(*command, argument);
      }
      refuse_repeated(*command);
    }
    refuse(command, error);
  }
  if (command != nullptr) {
    for (const std::string& argument : command->remaining()) {
      if (argument != "--") refuse_unknown(*command, argument);
    }
  }
  return true;
}

}  // namespace iclora::cli
