#pragma once
// The command line itself: commands and options are declared with CLI11; what is wrong with a line
// is said in sentences of our own, with the nearest known word.

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace iclora::cli {

/// What a command leaves for main: the work to do once the whole line is known to be right.
struct Context {
  std::function<void()> run;
};

/// One line of the examples in a command's help.
struct Example {
  std::string line;
  std::string what;
};

/// Declares a command. Options without CLI11's required(): see `need`.
CLI::App* add_command(CLI::App& app, const std::string& name, const std::string& summary,
                      const std::vector<Example>& examples);

/// Throws (exit 2) naming `what` when the option or positional was not given.
void need(const CLI::App& command, const CLI::Option& option, std::string_view what);

/// Parses the line. Returns false when help or the version was asked for, and printed.
/// Wrong usage is an Error of kind input.
bool parse_line(CLI::App& app, int argc, const char* const* argv);

/// The program with what is common to all commands, none declared yet.
void prepare(CLI::App& app);

}  // namespace iclora::cli
