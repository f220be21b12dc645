#include "core/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <mutex>

namespace iclora::log {
namespace {

spdlog::logger& logger() {
  static const auto instance = [] {
    auto made = std::make_shared<spdlog::logger>("iclora",
                                                 std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("%v");
    made->flush_on(spdlog::level::info);
    return made;
  }();
  return *instance;
}

struct Redirection {
  std::mutex mutex;
  Writer writer;
};

Redirection& redirection() {
  static Redirection instance;
  return instance;
}

/// Whether somebody else has taken the message.
bool redirected(bool warning, std::string_view text) {
  const std::lock_guard lock(redirection().mutex);
  if (!redirection().writer) return false;
  redirection().writer(warning, text);
  return true;
}

}  // namespace

void set_writer(Writer writer) {
  const std::lock_guard lock(redirection().mutex);
  redirection().writer = std::move(writer);
}

void write_info(std::string_view text) {
  if (!redirected(false, text)) logger().info("{}", text);
}
void write_warning(std::string_view text) {
  if (!redirected(true, text)) logger().warn("warning: {}", text);
}

}  // namespace iclora::log
