#pragma once
// SIGINT and SIGTERM: until there is work that could leave something behind, one ends the program
// with a sentence and exit 75; from then on the first asks the work to stop, a second one leaves at
// once. SIGBUS: a mapped file is not there any more; a sentence, and exit 2.

#include <atomic>

namespace iclora::cli {

/// Installs the handlers; the first thing that the program does.
void handle_signals();

/// From here on signals ask -> the flag that the first one sets.
const std::atomic<bool>& watch_signals();

}  // namespace iclora::cli
