#include <gtest/gtest.h>

#include "cli/program.h"
#include "core/json.h"

namespace iclora {
namespace {

using testing_support::expect_refused;
using testing_support::ProgramRun;
using testing_support::run_program;
using testing_support::ScratchFolder;

TEST(Usage, HelpNamesEveryCommandAndEveryCommandHasExamples) {
  const ProgramRun help = run_program({"--help"});
  EXPECT_EQ(help.exit_code, 0);
  EXPECT_EQ(help.err, "");
  const size_t list = help.out.find("Subcommands:");
  ASSERT_NE(list, std::string::npos);
  std::istringstream lines(help.out.substr(list));
  std::string line;
  std::getline(lines, line);
  int commands = 0;
  while (std::getline(lines, line)) {
    std::istringstream words(line);
    std::string name;
    if (line.rfind("  ", 0) != 0 || line.rfind("   ", 0) == 0 || !(words >> name)) continue;
    const ProgramRun command = run_program({name, "--help"});
    EXPECT_EQ(command.exit_code, 0) << name;
    EXPECT_NE(command.out.find("Examples:\n"), std::string::npos) << name;
    EXPECT_NE(command.out.find("  iclora " + name), std::string::npos) << name;
    EXPECT_LT(command.out.find("Examples:"), command.out.find("Options:")) << name;
    ++commands;
  }
  EXPECT_GE(commands, 1);
}

TEST(Usage, AWrongCommandIsAnsweredWithTheNearest) {
  expect_refused(run_program({"doctr"}), 2, "did you mean 'iclora doctor'?");
  expect_refused(run_program({"entirely-else"}), 2, "'iclora --help' lists the commands");
  expect_refused(run_program({"--versoin"}), 2, "did you mean '--version'?");
  const ProgramRun none = run_program({});
  EXPECT_EQ(none.exit_code, 2);
  EXPECT_NE(none.last_error_line().find("no command was given"), std::string::npos);
}

TEST(Usage, AWrongOptionIsAnsweredWithTheNearest) {
  expect_refused(run_program({"doctor", "--jsn"}), 2, "did you mean '--json'?");
  expect_refused(run_program({"doctor", "there"}), 2, "'there' was not expected");
  expect_refused(run_program({"doctor", "--json=3"}), 2, "'--json' takes no value");
}

TEST(Usage, ControlCharactersOfTheLineStayOffTheTerminal) {
  const ProgramRun run = run_program({"doctor", "--a\x1b[2J\n"});
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_EQ(run.err.find('\x1b'), std::string::npos);
  EXPECT_EQ(std::count(run.err.begin(), run.err.end(), '\n'), 1);
}

TEST(Doctor, FindsTheLibtorchItWasBuiltWithAndLoadsIt) {
  const ProgramRun run = run_program({"doctor", "--json"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  const Json report = parse_json(run.out, "doctor");
  EXPECT_TRUE(report["ok"].get<bool>());
  EXPECT_TRUE(report["libtorch"]["found"].get<bool>());
  EXPECT_EQ(report["libtorch"]["runtime"]["torch"], report["libtorch"]["version"]);
  EXPECT_GE(report["machine"]["cores"].get<int>(), 1);
  EXPECT_GT(report["machine"]["memory_bytes"].get<uint64_t>(), 0u);
  EXPECT_TRUE(!report["gpu"]["found"].empty() || report["gpu"].contains("why_not"));
}

TEST(Doctor, NamesAFolderThatIsNotLibtorch) {
  const ProgramRun run = run_program({"doctor"}, {"TORCH_DIR=/nowhere/at-all"});
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_NE(run.out.find("libtorch   not found"), std::string::npos);
  EXPECT_NE(run.last_error_line().find("'/nowhere/at-all'"), std::string::npos) << run.err;
}

TEST(Doctor, RefusesAnotherVersionOfLibtorch) {
  const ScratchFolder scratch;
  std::filesystem::create_directories(scratch / "lib");
  std::ofstream(scratch / "lib/libc10.so") << "x";
  std::ofstream(scratch / "lib/libtorch_cpu.so") << "x";
  std::ofstream(scratch / "version.py") << "__all__ = ['__version__']\n__version__ = '2.4.1+cpu'\n";
  const std::string variable = "TORCH_DIR=" + scratch.path().native();
  EXPECT_NE(run_program({"doctor"}, {variable}).last_error_line().find("it is version 2.4.1"),
            std::string::npos);
}

TEST(Doctor, SaysWhenLibtorchIsDamaged) {
  const ScratchFolder scratch;
  std::filesystem::create_directories(scratch / "lib");
  std::ofstream(scratch / "lib/libc10.so") << "x";
  std::ofstream(scratch / "lib/libtorch_cpu.so") << "x";
  std::ofstream(scratch / "version.py") << "\n__version__ = '2.11.0+cpu'\n";
  const ProgramRun run = run_program({"doctor"}, {"TORCH_DIR=" + scratch.path().native()});
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_NE(run.last_error_line().find("cannot be loaded"), std::string::npos) << run.err;
}

TEST(Output, AFullStandardOutputIsAnError) {
  // Quoted: the checkout may lie in a folder with a space in its name.
  const std::string line = std::string("'") + ICLORA_PROGRAM + "' --help > /dev/full 2> /dev/null";
  const int status = std::system(line.c_str());
  EXPECT_EQ(WEXITSTATUS(status), 6);
}

}  // namespace
}  // namespace iclora
