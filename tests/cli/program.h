#pragma once
// Runs the built program and keeps what it said.

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "scratch.h"

namespace iclora::testing_support {

struct ProgramRun {
  int exit_code = -1;
  std::string out;
  std::string err;

  std::string last_error_line() const {
    std::string text = err;
    if (!text.empty() && text.back() == '\n') text.pop_back();
    const size_t newline = text.rfind('\n');
    return newline == std::string::npos ? text : text.substr(newline + 1);
  }
};

inline std::string text_of_file(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

/// The program at work; ended with the object, if it has not ended by itself.
class StartedProgram {
 public:
  /// `environment`: NAME=VALUE pairs that replace those of the test.
  explicit StartedProgram(const std::vector<std::string>& arguments,
                          const std::vector<std::string>& environment = {}) {
    child_ = ::fork();
    if (child_ != 0) return;
    const std::string out = (scratch_ / "out").native(), err = (scratch_ / "err").native();
    if (!std::freopen("/dev/null", "r", stdin) || !std::freopen(out.c_str(), "w", stdout) ||
        !std::freopen(err.c_str(), "w", stderr)) {
      ::_exit(126);
    }
    for (const std::string& pair : environment) ::putenv(::strdup(pair.c_str()));
    std::vector<char*> argv = {const_cast<char*>(ICLORA_PROGRAM)};
    for (const std::string& argument : arguments) {
      argv.push_back(const_cast<char*>(argument.c_str()));
    }
    argv.push_back(nullptr);
    ::execv(ICLORA_PROGRAM, argv.data());
    ::_exit(127);
  }
  ~StartedProgram() {
    if (code_) return;
    ::kill(child_, SIGKILL);
    wait();
  }
  StartedProgram(const StartedProgram&) = delete;
  StartedProgram& operator=(const StartedProgram&) = delete;

  void signal(int number) const { ::kill(child_, number); }
  bool ended() const {
    siginfo_t info = {};
    return code_ ||
           (::waitid(P_PID, static_cast<id_t>(child_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
            info.si_pid == child_);
  }
  /// The exit code, or 1000 + the signal that ended it.
  int wait() {
    int status = 0;
    if (!code_) {
      ::waitpid(child_, &status, 0);
      code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
    }
    return *code_;
  }
  std::string out() const { return text_of_file(scratch_ / "out"); }
  std::string err() const { return text_of_file(scratch_ / "err"); }

 private:
  ScratchFolder scratch_;
  pid_t child_ = -1;
  std::optional<int> code_;
};

inline ProgramRun run_program(const std::vector<std::string>& arguments,
                              const std::vector<std::string>& environment = {}) {
  StartedProgram program(arguments, environment);
  ProgramRun run;
  run.exit_code = program.wait();
  run.out = program.out();
  run.err = program.err();
  return run;
}

/// The words of a command line; quotation marks hold words together.
inline std::vector<std::string> words_of(const std::string& line) {
  std::vector<std::string> words;
  std::string word;
  bool quoted = false;
  for (const char c : line + " ") {
    if (c == '"') {
      quoted = !quoted;
    } else if (c == ' ' && !quoted) {
      if (!word.empty()) words.push_back(word);
      word.clear();
    } else {
      word += c;
    }
  }
  return words;
}

/// How every refusal looks: the exit code, one line that says `part`, nothing on stdout.
inline void expect_refused(const ProgramRun& run, int exit_code, const std::string& part) {
  EXPECT_EQ(run.exit_code, exit_code) << run.err;
  EXPECT_EQ(run.out, "");
  EXPECT_NE(run.last_error_line().find(part), std::string::npos) << run.err;
  EXPECT_EQ(run.last_error_line().rfind("iclora: ", 0), 0u) << run.err;
}

}  // namespace iclora::testing_support
