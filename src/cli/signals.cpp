#include "cli/signals.h"

#include <signal.h>
#include <unistd.h>

#include "core/error.h"

namespace iclora::cli {
namespace {

// A signal handler can reach nothing but what is global.
std::atomic<bool> stop_asked{false};
std::atomic<bool> work_begun{false};
static_assert(std::atomic<bool>::is_always_lock_free);

/// What may be called in a handler: no lock, no memory.
template <size_t N>
void say(const char (&sentence)[N]) {
  static_cast<void>(!write(STDERR_FILENO, sentence, N - 1));
}

void handle(int signal) {
  if (!work_begun) {
    say("iclora: stopped by a signal before it was finished; nothing was written.\n");
    _exit(static_cast<int>(ErrorKind::interrupted));
  }
  if (stop_asked.exchange(true)) _exit(128 + signal);
}

/// Weights are read where the file is mapped: another program that cuts the file, or a disk that
/// fails, takes them away in the middle of a product. Nothing but a sentence can be made of that.
void handle_lost_file(int signal, siginfo_t* info, void*) {
  if (info->si_code != BUS_ADRERR) {
    ::signal(signal, SIG_DFL);
    raise(signal);
    return;
  }
  say("\niclora: a file was cut short while it was being read, or its disk failed; put it back "
      "whole and run again\n");
  _exit(static_cast<int>(ErrorKind::input));
}

}  // namespace

void handle_signals() {
  struct sigaction action = {};
  action.sa_handler = handle;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  struct sigaction lost = {};
  lost.sa_sigaction = handle_lost_file;
  lost.sa_flags = SA_SIGINFO;
  sigemptyset(&lost.sa_mask);
  sigaction(SIGBUS, &lost, nullptr);
}

const std::atomic<bool>& watch_signals() {
  work_begun = true;
  return stop_asked;
}

}  // namespace iclora::cli
