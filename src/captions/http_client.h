#pragma once
// One HTTP POST of JSON, over http or https. Redirects are not followed, and an answer is taken
// only as far as its limit. The request is made by a helper program (http_helper.cpp), whose
// standard input carries the key: it stands on no command line.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

namespace iclora::captions {

struct HttpRequest {
  std::string url;
  std::string key;      ///< sent as a bearer token; empty: none
  std::string body;     ///< JSON
  bool direct = false;  ///< past any proxy that the environment names
  std::chrono::milliseconds connect_timeout{10000};
  std::chrono::milliseconds timeout{300000};  ///< from the first byte to the last
  uint64_t limit = uint64_t{4} << 20;         ///< bytes of the answer
};

struct HttpReply {
  enum class Outcome {
    answered,     ///< whatever the status
    unreachable,  ///< no such host, or nobody listens
    distrusted,   ///< the certificate is not trusted
    broken,       ///< the connection ended early
    timed_out,
    too_large,  ///< more than the limit
    failed,     ///< anything else
  };
  Outcome outcome = Outcome::failed;
  int64_t status = 0;
  std::string body;
  std::string redirect;     ///< where a 3xx points
  int64_t retry_after = 0;  ///< seconds; 0: not stated
  std::string error;        ///< of what was not answered
};

class HttpClient {
 public:
  /// `helper`: the program iclora-http.
  explicit HttpClient(std::filesystem::path helper) : helper_(std::move(helper)) {}

  /// Any thread may call it. Throws Cancelled soon after `cancelled` says so, and an Error where
  /// the helper itself is missing or does not run; everything else is a reply.
  HttpReply post(const HttpRequest& request, const std::function<bool()>& cancelled) const;

 private:
  std::filesystem::path helper_;
};

}  // namespace iclora::captions
