#include "captions/http_client.h"

#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "captions/http_frame.h"
#include "core/error.h"
#include "core/progress.h"

extern char** environ;

namespace iclora::captions {
namespace {

using Outcome = HttpReply::Outcome;

constexpr int kPollMilliseconds = 100;  // how soon a cancellation is seen
constexpr uint64_t kMostOverhead = uint64_t{64} << 10;

class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() { reset(); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return number_; }
  void reset(int number = -1) {
    if (number_ >= 0) ::close(number_);
    number_ = number;
  }

 private:
  int number_ = -1;
};

/// The helper at work; ended with the object, if it has not ended by itself.
class Helper {
 public:
  /// `end`: becomes its standard input and output.
  Helper(const std::filesystem::path& program, int end) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_adddup2(&actions, end, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, end, STDOUT_FILENO);
    // A group of its own: Ctrl-C is for us, and we end it.
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    posix_spawnattr_setpgroup(&attributes, 0);
    std::string path = program.native();
    std::array<char*, 2> argv = {path.data(), nullptr};
    const int error =
        ::posix_spawn(&child_, path.c_str(), &actions, &attributes, argv.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    if (error != 0) {
      child_ = -1;
      fail_input("'{}' cannot be run: {}; it belongs to this program, so build or install it again",
                 printable(path, 400), std::strerror(error));
    }
  }
  ~Helper() {
    if (child_ < 0) return;
    ::kill(child_, SIGKILL);
    wait();
  }
  Helper(const Helper&) = delete;
  Helper& operator=(const Helper&) = delete;

  /// Its exit code, or 128 and the signal that ended it.
  int wait() {
    int status = 0;
    while (::waitpid(child_, &status, 0) < 0 && errno == EINTR) {
    }
    child_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

 private:
  pid_t child_ = -1;
};

/// Sends all of `sent`, then reads until the other side is done, at most `limit` bytes.
std::string exchange(int socket, std::string_view sent, uint64_t limit,
                     const std::function<bool()>& cancelled) {
  std::string got;
  bool sending = true;
  std::array<char, 1 << 16> buffer;
  for (;;) {
    if (cancelled()) throw Cancelled{};
    pollfd state = {socket, static_cast<short>(POLLIN | (sending ? POLLOUT : 0)), 0};
    const int ready = ::poll(&state, 1, kPollMilliseconds);
    if (ready <= 0) continue;
    if (sending && (state.revents & POLLOUT) != 0) {
      const ssize_t put = ::send(socket, sent.data(), sent.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (put > 0) sent.remove_prefix(static_cast<size_t>(put));
      // One that reads no more has ended, which the exit code will tell.
      const bool closed = put < 0 && errno != EAGAIN && errno != EINTR;
      if (sent.empty() || closed) {
        sending = false;
        ::shutdown(socket, SHUT_WR);
      }
    }
    if ((state.revents & (POLLIN | POLLHUP | POLLERR)) == 0) continue;
    const ssize_t read = ::recv(socket, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (read < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (read <= 0) return got;
    got.append(buffer.data(), static_cast<size_t>(read));
    if (got.size() > limit) return got;
  }
}

Outcome outcome_from(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, Outcome>, 6> kNames = {
      {{"answered", Outcome::answered},
       {"unreachable", Outcome::unreachable},
       {"distrusted", Outcome::distrusted},
       {"broken", Outcome::broken},
       {"timed_out", Outcome::timed_out},
       {"too_large", Outcome::too_large}}};
  for (const auto& [known, outcome] : kNames) {
    if (known == name) return outcome;
  }
  return Outcome::failed;
}

}  // namespace

HttpReply HttpClient::post(const HttpRequest& request,
                           const std::function<bool()>& cancelled) const {
  std::error_code ignored;
  if (!std::filesystem::exists(helper_, ignored)) {
    fail_input("'{}' is missing: it belongs to this program; build or install it again",
               printable(helper_.native(), 400));
  }
  int ends[2] = {-1, -1};
  // Not inherited, so that helpers which run side by side hold no other's line open.
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    fail(ErrorKind::internal, "no connection to '{}' can be made: {}",
         printable(helper_.native(), 400), std::strerror(errno));
  }
  const Descriptor ours(ends[0]);
  Descriptor theirs(ends[1]);
  Helper helper(helper_, theirs.get());
  theirs.reset();
  const std::string text = pack({{"url", request.url},
                                 {"key", request.key},
                                 {"direct", request.direct ? "1" : "0"},
                                 {"connect_ms", std::to_string(request.connect_timeout.count())},
                                 {"total_ms", std::to_string(request.timeout.count())},
                                 {"limit", std::to_string(request.limit)},
                                 {"body", request.body}});
  const std::string said = exchange(ours.get(), text, request.limit + kMostOverhead, cancelled);
  HttpReply reply;
  if (said.size() > request.limit + kMostOverhead) {
    reply.outcome = Outcome::too_large;
    return reply;
  }
  const auto fields = unpack(said);
  if (!fields || fields->empty()) {
    const int code = helper.wait();
    fail_input(
        "'{}' ended with {} and without an answer; it needs libcurl (Debian package: "
        "libcurl4), see whether it runs by itself",
        printable(helper_.native(), 400), code);
  }
  helper.wait();
  reply.outcome = outcome_from(field(*fields, "outcome"));
  reply.status = field_number(*fields, "status", 0);
  reply.retry_after = std::max<int64_t>(0, field_number(*fields, "retry_after", 0));
  reply.redirect = field(*fields, "redirect");
  reply.error = field(*fields, "error");
  reply.body = field(*fields, "body");
  return reply;
}

}  // namespace iclora::captions
