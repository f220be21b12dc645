// iclora-http: one HTTP request, read from the standard input, its reply on the standard output
// (captions/http_frame.h). A program of its own, so that neither libcurl nor the thirty libraries
// behind it are in the process that reads pictures and writes captions: they are the system's,
// with the system's certificates, whatever the program itself was shipped with.

#include <curl/curl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "captions/http_frame.h"

namespace {

using iclora::captions::field;
using iclora::captions::field_number;
using iclora::captions::Fields;

constexpr size_t kLongestRequest = size_t{512} << 20;

bool read_all(std::string& text) {
  char buffer[1 << 16];
  for (;;) {
    const ssize_t got = ::read(STDIN_FILENO, buffer, sizeof(buffer));
    if (got == 0) return true;
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 || text.size() + static_cast<size_t>(got) > kLongestRequest) return false;
    text.append(buffer, static_cast<size_t>(got));
  }
}

bool write_all(std::string_view text) {
  while (!text.empty()) {
    const ssize_t put = ::write(STDOUT_FILENO, text.data(), text.size());
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return false;
    text.remove_prefix(static_cast<size_t>(put));
  }
  return true;
}

/// The body of the answer, as much as is wanted of it.
struct Body {
  std::string bytes;
  size_t limit = 0;
  bool too_large = false;
};

size_t take(const char* data, size_t size, size_t count, void* user) {
  auto& body = *static_cast<Body*>(user);
  const size_t bytes = size * count;
  if (bytes > body.limit - body.bytes.size()) {
    body.too_large = true;
    return 0;  // ends the transfer
  }
  body.bytes.append(data, bytes);
  return bytes;
}

/// Ends the transfer once nobody listens any more.
int watch(void*, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  pollfd out = {STDOUT_FILENO, 0, 0};
  return ::poll(&out, 1, 0) > 0 && (out.revents & (POLLERR | POLLHUP | POLLNVAL)) != 0 ? 1 : 0;
}

std::string outcome_of(CURLcode code, const Body& body) {
  if (body.too_large) return "too_large";
  switch (code) {
    case CURLE_OK:
      return "answered";
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
      return "unreachable";
    case CURLE_OPERATION_TIMEDOUT:
      return "timed_out";
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
      return "distrusted";
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_PARTIAL_FILE:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
      return "broken";
    default:
      return "failed";
  }
}

using Easy = std::unique_ptr<CURL, decltype(&curl_easy_cleanup)>;

/// A header list that curl grew; it keeps copies of the lines.
struct Headers {
  curl_slist* list = nullptr;
  ~Headers() { curl_slist_free_all(list); }
  void add(const std::string& line) {
    if (curl_slist* grown = curl_slist_append(list, line.c_str())) list = grown;
  }
};

Fields perform(const Fields& request) {
  const Easy easy(curl_easy_init(), &curl_easy_cleanup);
  CURL* curl = easy.get();
  if (curl == nullptr) return {{"outcome", "failed"}, {"error", "libcurl cannot be started"}};
  const std::string url = field(request, "url");
  const std::string sent = field(request, "body");
  const std::string key = field(request, "key");
  Body body;
  body.limit = static_cast<size_t>(field_number(request, "limit", 1 << 20));
  char error[CURL_ERROR_SIZE] = "";
  Headers headers;
  headers.add("Content-Type: application/json");
  headers.add("Accept: application/json");
  headers.add("Expect:");  // servers that do not know "100-continue" cost a second
  if (!key.empty()) headers.add("Authorization: Bearer " + key);

  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.list);
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "iclora");
  curl_easy_setopt(curl, CURLOPT_POST, 1L);
  curl_easy_setopt(curl, CURLOPT_POSTFIELDS, sent.c_str());
  curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(sent.size()));
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS,
                   static_cast<long>(field_number(request, "connect_ms", 10000)));
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS,
                   static_cast<long>(field_number(request, "total_ms", 300000)));
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &body);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, watch);
  // A server on this machine is never behind the proxy that the environment names.
  if (field(request, "direct") == "1") curl_easy_setopt(curl, CURLOPT_PROXY, "");

  const CURLcode code = curl_easy_perform(curl);
  long status = 0;
  curl_off_t retry_after = 0;
  const char* redirect = nullptr;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  curl_easy_getinfo(curl, CURLINFO_RETRY_AFTER, &retry_after);
  curl_easy_getinfo(curl, CURLINFO_REDIRECT_URL, &redirect);
  Fields reply = {
      {"outcome", outcome_of(code, body)},
      {"status", std::to_string(status)},
      {"retry_after", std::to_string(retry_after)},
      {"redirect", redirect == nullptr ? "" : redirect},
      {"error", error[0] != '\0' || code == CURLE_OK ? error : curl_easy_strerror(code)}};
  if (code == CURLE_OK) reply.emplace_back("body", std::move(body.bytes));
  return reply;
}

}  // namespace

int main() {
  std::string text;
  if (!read_all(text)) return 1;
  const auto request = iclora::captions::unpack(text);
  if (!request) return 1;
  if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) return 1;
  const bool written = write_all(iclora::captions::pack(perform(*request)));
  curl_global_cleanup();
  return written ? 0 : 1;
}
