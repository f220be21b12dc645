#pragma once
// Asks a vision model for a set's joint caption until there is one that can be used, or it is clear
// that there will be none.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "captions/answer.h"
#include "captions/endpoint.h"
#include "captions/http_client.h"
#include "captions/question.h"

namespace iclora::captions {

/// How long an endpoint is put up with.
struct Patience {
  std::chrono::milliseconds timeout{300000};        ///< of one request
  int64_t retries = 5;                              ///< of a request that the endpoint did not take
  std::chrono::milliseconds first_wait{2000};       ///< before the first retry; doubled each time
  std::chrono::milliseconds longest_wait{60000};    ///< that the doubling comes to
  std::chrono::milliseconds longest_asked{600000};  ///< that an endpoint may ask for (Retry-After)
  int64_t asks = 3;                                 ///< a set, when answers cannot be used
};

/// Why a set has no caption.
struct Description {
  std::optional<JointCaption> caption;
  std::string fault;       ///< one sentence
  bool no_answer = false;  ///< the endpoint did not answer at all, rather than badly
};

class Describer {
 public:
  /// Sends a request (HttpClient::post).
  using Post = std::function<HttpReply(const HttpRequest&)>;
  /// Waits; throws Cancelled when the work is to stop.
  using Pause = std::function<void(std::chrono::milliseconds)>;

  Describer(Endpoint endpoint, Patience patience, Post post, Pause pause)
      : endpoint_(std::move(endpoint)),
        patience_(patience),
        post_(std::move(post)),
        pause_(std::move(pause)) {}

  /// Any thread may call it. Retries with exponential back-off on 408, 425, 429, 5xx and broken
  /// connections; asks again, with the reason, when an answer cannot be used; does without a schema
  /// where the endpoint refuses it. Throws an Error (exit 2) where no set can be described: the
  /// address or the model is not there, the key is refused, the endpoint redirects or cannot be
  /// reached; what `pause` and `post` throw passes. No sentence holds the key.
  Description describe(const Question& question, const Expected& expected);

  const Endpoint& endpoint() const { return endpoint_; }

 private:
  struct Outcome;
  Outcome ask(const Question& question, const std::vector<Refused>& refused);
  std::optional<std::chrono::milliseconds> wait_after(const HttpReply& reply, int64_t tries) const;
  void remember(const Dialogue& used);
  Outcome failure(const HttpReply& reply) const;
  std::string without_key(std::string text) const;
  Dialogue dialogue();

  const Endpoint endpoint_;
  const Patience patience_;
  const Post post_;
  const Pause pause_;
  std::atomic<bool> reached_{false};  ///< whether the endpoint has ever answered
  std::mutex mutex_;
  Dialogue dialogue_;  ///< what the endpoint has been found to understand
};

}  // namespace iclora::captions
