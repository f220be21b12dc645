#pragma once
// Asks a vision model until there is an answer that can be used, or it is clear that there will be
// none: retries, back-off, what an endpoint does not understand, answers that are refused.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "captions/chat.h"
#include "captions/endpoint.h"
#include "captions/http_client.h"

namespace iclora::captions {

/// How long an endpoint is put up with.
struct Patience {
  std::chrono::milliseconds timeout{300000};        ///< of one request
  int64_t retries = 5;                              ///< of a request that the endpoint did not take
  std::chrono::milliseconds first_wait{2000};       ///< before the first retry; doubled each time
  std::chrono::milliseconds longest_wait{60000};    ///< that the doubling comes to
  std::chrono::milliseconds longest_asked{600000};  ///< that an endpoint may ask for (Retry-After)
  int64_t asks = 3;                                 ///< a question, when answers cannot be used
};

class Asker {
 public:
  /// Sends a request (HttpClient::post).
  using Post = std::function<HttpReply(const HttpRequest&)>;
  /// Waits; throws Cancelled when the work is to stop.
  using Pause = std::function<void(std::chrono::milliseconds)>;
  /// The body of a request (chat_body), given what is understood and what was refused so far.
  using Body = std::function<Json(const Dialogue&, const std::vector<Refused>&)>;
  /// Takes an answer out of a completion's body.
  struct Reading {
    std::string said;   ///< what the model wrote, as far as that can be told
    std::string fault;  ///< one sentence; empty: the answer can be used
  };
  using Read = std::function<Reading(std::string_view body)>;

  Asker(Endpoint endpoint, Patience patience, Post post, Pause pause)
      : endpoint_(std::move(endpoint)),
        patience_(patience),
        post_(std::move(post)),
        pause_(std::move(pause)) {}

  struct Result {
    std::string fault;       ///< one sentence; empty: `read` has taken an answer
    bool no_answer = false;  ///< the endpoint did not answer at all, rather than badly
  };
  /// Any thread may call it. Retries with exponential back-off on 408, 425, 429, 5xx and broken
  /// connections; asks again, with the reason, when an answer cannot be used; does without a schema
  /// where the endpoint refuses it. `wanted`: what is asked for, in a word ("caption"). Throws an
  /// Error (exit 2) where no question can be answered: the address or the model is not there, the
  /// key is refused, the endpoint redirects or cannot be reached; what `pause` and `post` throw
  /// passes. No sentence holds the key.
  Result ask(const Body& body, const Read& read, const char* wanted);

  const Endpoint& endpoint() const { return endpoint_; }

 private:
  struct Outcome;
  Outcome request(const Body& body, const std::vector<Refused>& refused);
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
