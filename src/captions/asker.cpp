#include "captions/asker.h"

#include <algorithm>

#include "core/error.h"
#include "core/log.h"

namespace iclora::captions {
namespace {

using std::chrono::milliseconds;

bool is_success(int64_t status) {
  return status >= 200 && status < 300;
}

bool may_pass(const HttpReply& reply) {
  switch (reply.outcome) {
    case HttpReply::Outcome::unreachable:
    case HttpReply::Outcome::broken:
    case HttpReply::Outcome::timed_out:
      return true;
    case HttpReply::Outcome::answered:
      return reply.status == 408 || reply.status == 425 || reply.status == 429 ||
             reply.status >= 500;
    default:
      return false;
  }
}

std::string seconds_text(milliseconds time) {
  return fmt::format("{:.3g} s", std::chrono::duration<double>(time).count());
}

/// What happened, for a message about trying again.
std::string event_of(const HttpReply& reply) {
  switch (reply.outcome) {
    case HttpReply::Outcome::answered:
      return fmt::format("answers {}", reply.status);
    case HttpReply::Outcome::timed_out:
      return "does not answer in time";
    case HttpReply::Outcome::unreachable:
      return "cannot be reached";
    default:
      return "breaks off the connection";
  }
}

bool holds_any(const std::string& text, std::initializer_list<std::string_view> words) {
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view word) { return text.find(word) != std::string::npos; });
}

/// Whether a refusal may be of something that the request can do without; takes that out.
bool adapt(const HttpReply& reply, Dialogue& dialogue) {
  if (reply.outcome != HttpReply::Outcome::answered || is_success(reply.status)) return false;
  const bool bad_request = reply.status == 400 || reply.status == 422;
  const std::string text = error_message(reply.body);
  const bool about_limit = holds_any(text, {"max_tokens", "max_completion_tokens"});
  if (bad_request && about_limit && !dialogue.limit.empty()) {
    dialogue.limit = dialogue.limit == "max_tokens" ? "max_completion_tokens" : "";
    return true;
  }
  const bool about_schema = holds_any(text, {"response_format", "schema", "grammar", "guided"});
  if (!dialogue.schema || !(bad_request || (reply.status >= 500 && about_schema))) return false;
  dialogue.schema = false;
  return true;
}

}  // namespace

/// The body of a completion, or why there is none.
struct Asker::Outcome {
  std::optional<std::string> body;
  std::string fault;
};

Dialogue Asker::dialogue() {
  const std::lock_guard lock(mutex_);
  return dialogue_;
}

/// How long to wait before the request is sent again; none: it is not.
std::optional<milliseconds> Asker::wait_after(const HttpReply& reply, int64_t tries) const {
  // Who does not answer in five minutes has not been unlucky a sixth time; and where nobody has
  // ever listened, the address is wrong or the server was not started, which is said soon.
  const bool hopeless = reply.outcome == HttpReply::Outcome::timed_out ||
                        (reply.outcome == HttpReply::Outcome::unreachable && !reached_);
  const int64_t most = hopeless ? std::min<int64_t>(patience_.retries, 1) : patience_.retries;
  if (!may_pass(reply) || tries >= most) return std::nullopt;
  milliseconds wait = patience_.first_wait;
  for (int64_t i = 0; i < tries && wait < patience_.longest_wait; ++i) wait *= 2;
  wait = std::min(wait, patience_.longest_wait);
  if (reply.outcome != HttpReply::Outcome::answered || reply.retry_after == 0) return wait;
  const milliseconds asked = std::chrono::seconds(std::min<int64_t>(reply.retry_after, 1'000'000));
  if (asked > patience_.longest_asked) return std::nullopt;
  return std::max(wait, asked);
}

/// What one request has shown to be understood holds for the next ones.
void Asker::remember(const Dialogue& used) {
  const std::lock_guard lock(mutex_);
  if (dialogue_.schema && !used.schema) {
    dialogue_.schema = false;
    log::info("The endpoint does not take a JSON schema; the answers' form is asked for in words.");
  }
  if (used.limit != Dialogue().limit) dialogue_.limit = used.limit;
}

std::string Asker::without_key(std::string text) const {
  constexpr std::string_view kInstead = "...";
  const std::string& key = endpoint_.key;
  if (key.empty()) return text;
  for (size_t at = text.find(key); at != std::string::npos; at = text.find(key, at)) {
    text.replace(at, key.size(), kInstead);
    at += kInstead.size();
  }
  return text;
}

/// Throws where every other set would fail in the same way.
Asker::Outcome Asker::failure(const HttpReply& reply) const {
  const std::string url = endpoint_.url();
  const std::string reason = without_key(printable(reply.error, 200));
  switch (reply.outcome) {
    case HttpReply::Outcome::unreachable:
      fail_input("the endpoint {} cannot be reached: {}; start it, or check {}", url, reason,
                 endpoint_.options.address);
    case HttpReply::Outcome::distrusted:
      fail_input(
          "the certificate of {} is not trusted: {}; use the name that it was made for, or "
          "add its issuer to this system's certificates",
          url, reason);
    case HttpReply::Outcome::timed_out:
      return {std::nullopt, fmt::format("The endpoint did not answer within {}: {}.",
                                        seconds_text(patience_.timeout), reason)};
    case HttpReply::Outcome::broken:
      return {std::nullopt, fmt::format("The endpoint broke off: {}.", reason)};
    case HttpReply::Outcome::too_large:
      return {std::nullopt, "The endpoint's answer is larger than an answer may be."};
    case HttpReply::Outcome::failed:
      fail_input("the request to {} failed: {}; check {}", url, reason, endpoint_.options.address);
    case HttpReply::Outcome::answered:
      break;
  }
  if (reply.status >= 300 && reply.status < 400) {
    fail_input(
        "{} answers {} and points to '{}'; redirects are not followed, so name the final "
        "address as {}",
        url, reply.status, without_key(printable(reply.redirect, 200)), endpoint_.options.address);
  }
  // Some endpoints quote the key that they refuse.
  const std::string said = without_key(error_message(reply.body));
  switch (reply.status) {
    case 401:
    case 402:
    case 403:
      fail_input("{} answers {}: {}; {}", url, reply.status, said,
                 endpoint_.key.empty() ? "set the key in the environment as ICLORA_API_KEY"
                                       : "check the key in ICLORA_API_KEY or OPENAI_API_KEY");
    case 404:
    case 405:
      fail_input("{} answers {}: {}; check {} (its base ends in /v1 for most servers) and {}", url,
                 reply.status, said, endpoint_.options.address, endpoint_.options.model);
    default:
      return {std::nullopt, fmt::format("The endpoint answers {}: {}.", reply.status, said)};
  }
}

Asker::Outcome Asker::request(const Body& body, const std::vector<Refused>& refused) {
  HttpRequest sent;
  sent.url = endpoint_.url();
  sent.key = endpoint_.key;
  sent.direct = endpoint_.loopback;
  sent.timeout = patience_.timeout;
  sent.connect_timeout = std::min(sent.connect_timeout, patience_.timeout);
  Dialogue used = dialogue();
  for (int64_t tries = 0;;) {
    sent.body = body(used, refused).dump(-1, ' ', false, Json::error_handler_t::replace);
    HttpReply reply = post_(sent);
    if (reply.outcome == HttpReply::Outcome::answered) reached_ = true;
    if (reply.outcome == HttpReply::Outcome::answered && is_success(reply.status)) {
      remember(used);
      return {std::move(reply.body), ""};
    }
    // Not a retry: it happens once for each thing that the endpoint does not know.
    if (adapt(reply, used)) continue;
    const auto wait = wait_after(reply, tries);
    if (!wait) return failure(reply);
    ++tries;
    log::info("The endpoint {}; trying again in {} ({} of {}).", event_of(reply),
              seconds_text(*wait), tries, patience_.retries);
    pause_(*wait);
  }
}

Asker::Result Asker::ask(const Body& body, const Read& read, const char* wanted) {
  std::vector<Refused> refused;
  for (int64_t number = 1;; ++number) {
    const Outcome outcome = request(body, refused);
    if (!outcome.body) return {outcome.fault, true};
    Reading reading = read(*outcome.body);
    if (reading.fault.empty()) return {};
    if (number >= patience_.asks) {
      return {fmt::format("The model gave no {} that can be used, asked {} time{}; at last: {}",
                          wanted, number, number == 1 ? "" : "s", without_key(reading.fault)),
              false};
    }
    refused.push_back({std::move(reading.said), std::move(reading.fault)});
  }
}

}  // namespace iclora::captions
