#include "cli/signals.h"

#include <signal.h>
#include <unistd.h>

namespace iclora::cli {
namespace {

// A signal handler can reach nothing but what is global.
std::atomic<bool> stop_asked{false};
static_assert(std::atomic<bool>::is_always_lock_free);

void handle(int signal) {
  if (stop_asked.exchange(true)) _exit(128 + signal);
}

}  // namespace

const std::atomic<bool>& watch_signals() {
  struct sigaction action = {};
  action.sa_handler = handle;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  return stop_asked;
}

}  // namespace iclora::cli
