#include "captions/endpoint.h"

#include <algorithm>
#include <cctype>

#include "core/error.h"

namespace iclora::captions {
namespace {

constexpr std::string_view kPath = "/chat/completions";

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

/// "127.0.0.1" of "127.0.0.1:8080", "::1" of "[::1]:8080".
std::string host_of(std::string_view authority) {
  if (authority.starts_with('[')) {
    const size_t end = authority.find(']');
    return end == std::string_view::npos ? "" : lower(authority.substr(1, end - 1));
  }
  return lower(authority.substr(0, authority.find(':')));
}

bool is_loopback(const std::string& host) {
  const bool four = host.starts_with("127.") && host.size() <= 15 &&
                    host.find_first_not_of("0123456789.") == std::string::npos;
  return four || host == "localhost" || host == "::1";
}

}  // namespace

Endpoint parse_endpoint(std::string_view base, const std::string& model,
                        const EndpointOptions& options) {
  const std::string shown = printable(base, 200);
  const bool plain = std::all_of(base.begin(), base.end(), [](char c) {
    return c > ' ' && c < 0x7F && c != '"' && c != '\\' && c != '<' && c != '>';
  });
  if (!plain) {
    fail_input(
        "{} is '{}', which is no address: it holds spaces or other characters that "
        "an address has not; write such as http://127.0.0.1:8080/v1",
        options.address, shown);
  }
  const size_t colon = base.find("://");
  const std::string scheme = colon == std::string_view::npos ? "" : lower(base.substr(0, colon));
  if (scheme != "http" && scheme != "https") {
    fail_input(
        "{} is '{}', but must begin with http:// or https://, such as "
        "http://127.0.0.1:8080/v1",
        options.address, shown);
  }
  std::string_view rest = base.substr(colon + 3);
  const std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
  if (authority.find('@') != std::string_view::npos) {
    fail_input(
        "{} holds a name or a password; leave them out, and put a key into "
        "ICLORA_API_KEY",
        options.address);
  }
  if (base.find_first_of("?#") != std::string_view::npos) {
    fail_input(
        "{} is '{}', but must have nothing after its path; put a key into "
        "ICLORA_API_KEY",
        options.address, shown.substr(0, shown.find_first_of("?#")) + "?...");
  }
  const std::string host = host_of(authority);
  if (host.empty()) {
    fail_input("{} is '{}', which names no host; write such as http://127.0.0.1:8080/v1",
               options.address, shown);
  }
  while (rest.ends_with('/')) rest.remove_suffix(1);
  if (rest.ends_with(kPath)) rest.remove_suffix(kPath.size());
  while (rest.ends_with('/')) rest.remove_suffix(1);
  Endpoint endpoint;
  endpoint.base = scheme + "://" + std::string(rest);
  endpoint.model = model;
  endpoint.loopback = is_loopback(host);
  endpoint.options = options;
  return endpoint;
}

std::string take_key(Endpoint& endpoint, const Environment& environment) {
  const bool in_clear = endpoint.base.starts_with("http://") && !endpoint.loopback;
  for (const std::string name : {"ICLORA_API_KEY", "OPENAI_API_KEY"}) {
    const auto key = environment(name);
    if (!key || key->empty()) continue;
    const bool fit =
        std::all_of(key->begin(), key->end(), [](char c) { return c > ' ' && c < 0x7F; });
    if (!fit) {
      fail_input(
          "the key in {} holds spaces, line ends or other characters that a key has not; set "
          "it again",
          name);
    }
    if (in_clear && name == "OPENAI_API_KEY") {
      return fmt::format(
          "The key in {} is not sent, since {} is not encrypted; set ICLORA_API_KEY "
          "if the endpoint needs one.",
          name, endpoint.base);
    }
    endpoint.key = *key;
    return "";
  }
  return "";
}

}  // namespace iclora::captions
