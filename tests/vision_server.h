#pragma once
// A small HTTP server on this machine that answers like llama-server, or like something worse.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <cstdlib>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/json.h"

namespace iclora::testing_support {

struct ServerRequest {
  std::string head;  ///< request line and headers, names in lower case
  std::string body;
  Json json() const { return parse_json(body, "a request"); }
  /// Panels that it shows: its pictures without the canvas.
  size_t panels() const {
    const Json request = json();
    size_t pictures = 0;
    for (const Json& part : request.at("messages").at(1).at("content")) {
      if (part.at("type") == "image_url") ++pictures;
    }
    return pictures == 1 ? 1 : pictures - 1;
  }
};

struct ServerReply {
  int status = 200;
  std::string body;
  std::vector<std::string> headers = {};
  bool drop = false;  ///< the connection is closed without a word
  bool hold = false;  ///< nothing is answered until the other side gives up
};

/// What llama-server says when the model has written `content`.
inline ServerReply completion(const std::string& content, const std::string& reason = "stop") {
  const Json body = {
      {"choices",
       {{{"finish_reason", reason},
         {"index", 0},
         {"message", {{"role", "assistant"}, {"content", content}}}}}},
      {"created", 1700000000},
      {"model", "vision"},
      {"object", "chat.completion"},
      {"usage", {{"completion_tokens", 9}, {"prompt_tokens", 99}, {"total_tokens", 108}}}};
  return {200, body.dump()};
}

/// A good answer: "WORD as a set" and "WORD in panel N".
inline std::string caption_json(size_t panels, const std::string& word) {
  Json json = {{"overall", word + " as a set"}};
  if (panels > 1) json["panels"] = Json::array();
  for (size_t i = 1; panels > 1 && i <= panels; ++i) {
    json["panels"].push_back(word + " in panel " + std::to_string(i));
  }
  return json.dump();
}

inline ServerReply failure(int status, const std::string& message,
                           std::vector<std::string> headers = {}) {
  const Json body = {{"error", {{"code", status}, {"message", message}, {"type", "an_error"}}}};
  return {status, body.dump(), std::move(headers)};
}

class VisionServer {
 public:
  /// Called for one request at a time; `number` counts from 1.
  using Handler = std::function<ServerReply(const ServerRequest& request, size_t number)>;

  explicit VisionServer(Handler handler) : handler_(std::move(handler)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    if (listener_ < 0 || ::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        ::listen(listener_, 16) != 0 ||
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
      std::abort();
    }
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~VisionServer() {
    stop_ = true;
    thread_.join();
    for (std::thread& thread : connections_) thread.join();
    ::close(listener_);
  }
  VisionServer(const VisionServer&) = delete;
  VisionServer& operator=(const VisionServer&) = delete;

  std::string base() const { return "http://127.0.0.1:" + std::to_string(port_) + "/v1"; }
  size_t count() const {
    const std::lock_guard lock(mutex_);
    return requests_.size();
  }
  ServerRequest request(size_t index) const {
    const std::lock_guard lock(mutex_);
    return requests_.at(index);
  }

 private:
  /// Whether something can be read; false once the server is to end.
  bool wait_for(int socket) const {
    while (!stop_) {
      pollfd state = {socket, POLLIN, 0};
      if (::poll(&state, 1, 20) > 0) return true;
    }
    return false;
  }

  void serve() {
    while (wait_for(listener_)) {
      const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (socket < 0) continue;
      connections_.emplace_back([this, socket] {
        answer(socket);
        ::close(socket);
      });
    }
  }

  bool read_more(int socket, std::string& text) const {
    if (!wait_for(socket)) return false;
    char buffer[1 << 16];
    const ssize_t got = ::recv(socket, buffer, sizeof(buffer), 0);
    if (got > 0) text.append(buffer, static_cast<size_t>(got));
    return got > 0;
  }

  void answer(int socket) {
    std::string text;
    while (text.find("\r\n\r\n") == std::string::npos) {
      if (!read_more(socket, text)) return;
    }
    const size_t end = text.find("\r\n\r\n") + 4;
    ServerRequest request = {text.substr(0, end), ""};
    for (size_t line = 0; line < end; line = request.head.find('\n', line) + 1) {
      const size_t colon = std::min(request.head.find(": ", line), end);
      if (request.head.find('\n', line) < colon) continue;  // the request line
      for (size_t at = line; at < colon; ++at) {
        request.head[at] = static_cast<char>(std::tolower(request.head[at]));
      }
    }
    const size_t length = request.head.find("content-length: ");
    const size_t bytes =
        length == std::string::npos ? 0 : std::stoul(request.head.substr(length + 16));
    while (text.size() < end + bytes) {
      if (!read_more(socket, text)) return;
    }
    request.body = text.substr(end);
    ServerReply reply;
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(request);
      reply = handler_(request, requests_.size());
    }
    if (reply.drop) return;
    if (reply.hold) {
      std::string ignored;
      read_more(socket, ignored);
      return;
    }
    std::string out = "HTTP/1.1 " + std::to_string(reply.status) + " X\r\nConnection: close\r\n";
    for (const std::string& header : reply.headers) out += header + "\r\n";
    // One that is given may lie.
    if (out.find("Content-Length") == std::string::npos) {
      out += "Content-Length: " + std::to_string(reply.body.size()) + "\r\n";
    }
    out += "\r\n" + reply.body;
    for (size_t at = 0; at < out.size();) {
      const ssize_t put = ::send(socket, out.data() + at, out.size() - at, MSG_NOSIGNAL);
      if (put <= 0) return;
      at += static_cast<size_t>(put);
    }
  }

  const Handler handler_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> stop_{false};
  mutable std::mutex mutex_;
  std::vector<ServerRequest> requests_;
  std::vector<std::thread> connections_;
  std::thread thread_;
};

}  // namespace iclora::testing_support
