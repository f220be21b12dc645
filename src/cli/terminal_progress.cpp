#include "cli/terminal_progress.h"

#include "cli/signals.h"

namespace iclora::cli {

TerminalProgress::TerminalProgress() : terminal_(std::make_unique<Terminal>(false)) {
  watch_signals();
}

void TerminalProgress::report(const ProgressEvent& event) {
  if (terminal_) terminal_->progress(event.phase, event.step, event.total, event.loss);
}

bool TerminalProgress::cancelled() const {
  return watch_signals().load();
}

}  // namespace iclora::cli
