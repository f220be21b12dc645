#pragma once
// Progress and messages on stderr: one line that is rewritten on a terminal, plain lines at least
// every two seconds elsewhere.

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

namespace iclora::cli {

/// What is known of the phase in hand.
struct PhaseState {
  std::string phase;
  int64_t step = 0;
  int64_t total = 0;
  std::optional<double> loss;
  double seconds = 0;      ///< since the phase began
  uint64_t memory = 0;     ///< bytes this process holds; 0: not said
  int64_t first_step = 0;  ///< where the phase was met: a resumed one begins in its middle
};

/// "sampling 7/20, 1.25 s a step, 16 s left, 1.2 GB". A rate needs at least one step; without one,
/// "sampling 0/20, 4 s so far".
std::string progress_line(const PhaseState& state);
/// "47 s", "3 min 20 s", "2 h 5 min".
std::string duration_text(double seconds);

class Terminal {
 public:
  explicit Terminal(bool quiet);
  ~Terminal();  ///< stops and takes the rewritten line away
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  void progress(std::string_view phase, int64_t step, int64_t total, std::optional<double> loss);
  void message(bool warning, std::string_view text);

 private:
  using Clock = std::chrono::steady_clock;
  void tick();
  /// `still`: nothing new, the program says only that it is alive.
  void draw(bool still);
  void erase();

  const bool quiet_;
  const bool rewrites_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stop_ = false;
  bool drawn_ = false;
  std::optional<PhaseState> state_;
  std::string last_line_;
  Clock::time_point phase_begin_ = Clock::now();
  Clock::time_point last_draw_ = Clock::now();
  std::thread thread_;
};

}  // namespace iclora::cli
