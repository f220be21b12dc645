#pragma once
// SIGINT and SIGTERM: the first one asks the work to stop, a second one leaves at once. SIGBUS: a
// mapped file is not there any more; a sentence, and exit 2.

#include <atomic>

namespace iclora::cli {

/// Installs the handlers (once; later calls do nothing) -> the flag that the first signal sets.
const std::atomic<bool>& watch_signals();

}  // namespace iclora::cli
