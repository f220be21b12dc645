#pragma once
// SIGINT and SIGTERM: the first one asks the work to stop, a second one leaves at once.

#include <atomic>

namespace iclora::cli {

/// Installs the handlers (once; later calls do nothing) -> the flag that the first signal sets.
const std::atomic<bool>& watch_signals();

}  // namespace iclora::cli
