#include "cli/terminal.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "cli/output.h"

namespace iclora::cli {
namespace {

using std::chrono::milliseconds;

bool can_rewrite() {
  const char* term = std::getenv("TERM");
  return ::isatty(STDERR_FILENO) == 1 && term != nullptr && std::string_view(term) != "dumb";
}

size_t terminal_width() {
  winsize size = {};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1) return size.ws_col;
  return 80;
}

/// What this process holds now; 0 where the system does not say.
uint64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  uint64_t total = 0;
  uint64_t resident = 0;
  statm >> total >> resident;
  return resident * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace

std::string duration_text(double seconds) {
  if (seconds < 0.9995) return fmt::format("{:.3f} s", seconds);
  if (seconds < 59.5) return fmt::format("{:.3g} s", seconds);
  const auto whole = static_cast<int64_t>(std::llround(seconds));
  if (whole < 3600) return fmt::format("{} min {} s", whole / 60, whole % 60);
  return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
}

std::string progress_line(const PhaseState& state) {
  std::string line = state.phase;
  if (state.total > 0) line += fmt::format(" {}/{}", state.step, state.total);
  if (state.total == 0 && state.step > 0) line += fmt::format(" {}", state.step);
  if (state.loss) line += fmt::format(", loss {:.4f}", *state.loss);
  if (state.step > state.first_step && state.seconds > 0) {
    const double each = state.seconds / static_cast<double>(state.step - state.first_step);
    if (each >= 0.5) {
      line += fmt::format(", {} a step", duration_text(each));
    } else {
      line += fmt::format(", {:.3g} steps a second", 1 / each);
    }
    if (state.total > state.step) {
      const double left = each * static_cast<double>(state.total - state.step);
      line += fmt::format(", {} left", left < 1 ? "under 1 s" : duration_text(std::round(left)));
    }
  } else if (state.seconds >= 1) {
    line += fmt::format(", {} so far", duration_text(std::round(state.seconds)));
  }
  if (state.memory > 0) line += ", " + bytes_text(state.memory);
  return line;
}

Terminal::Terminal(bool quiet) : quiet_(quiet), rewrites_(can_rewrite()) {
  if (!quiet_) thread_ = std::thread([this] { tick(); });
}

Terminal::~Terminal() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
  erase();
}

void Terminal::progress(std::string_view phase, int64_t step, int64_t total,
                        std::optional<double> loss) {
  if (quiet_) return;
  const std::lock_guard lock(mutex_);
  const auto now = Clock::now();
  const bool new_phase = !state_ || state_->phase != phase || step < state_->step;
  if (new_phase) phase_begin_ = now;
  const int64_t first_step = new_phase ? step : state_->first_step;
  state_ = PhaseState{std::string(phase), step, total, loss, 0, 0, first_step};
  const bool finished = total > 0 && step == total;
  const auto pause = rewrites_ ? milliseconds(50) : milliseconds(1800);
  if (new_phase || finished || now - last_draw_ >= pause) draw(false);
}

void Terminal::message(bool warning, std::string_view text) {
  if (quiet_ && !warning) return;
  const std::lock_guard lock(mutex_);
  erase();
  fmt::print(stderr, "{}{}\n", warning ? "warning: " : "", text);
  last_line_.clear();
}

void Terminal::tick() {
  const auto pause = milliseconds(rewrites_ ? 450 : 1800);
  std::unique_lock lock(mutex_);
  while (!stop_) {
    // Counted from the last line, whoever wrote it: no silence is longer.
    wake_.wait_until(lock, last_draw_ + pause);
    if (!stop_ && Clock::now() - last_draw_ >= pause) draw(true);
  }
}

void Terminal::draw(bool still) {
  const auto now = Clock::now();
  // Before the first phase and after the end of one, something else is being done.
  PhaseState shown;
  shown.phase = "starting";
  if (state_) shown = *state_;
  if (still && shown.step == shown.total) shown.first_step = shown.step;
  shown.memory = resident_bytes();
  shown.seconds = std::chrono::duration<double>(now - phase_begin_).count();
  std::string line = progress_line(shown);
  last_draw_ = now;
  if (rewrites_) {
    const size_t width = terminal_width() - 1;
    if (line.size() > width) line.resize(width);
    fmt::print(stderr, "\r\x1b[K{}", line);
    drawn_ = true;
  } else if (still || line != last_line_) {
    fmt::print(stderr, "{}\n", line);
    last_line_ = line;
  }
  std::fflush(stderr);
}

void Terminal::erase() {
  if (!drawn_) return;
  fmt::print(stderr, "\r\x1b[K");
  std::fflush(stderr);
  drawn_ = false;
}

}  // namespace iclora::cli
