#pragma once
// Where the vision model is: the base address of an OpenAI-compatible endpoint, and the key.

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace iclora::captions {

/// What the options are called that name an endpoint, for messages.
struct EndpointOptions {
  std::string address = "--endpoint";
  std::string model = "--model";
};

struct Endpoint {
  std::string base;       ///< such as http://127.0.0.1:8080/v1, without a slash at its end
  std::string model;      ///< as the endpoint names it; empty: the one that it has loaded
  std::string key;        ///< empty: none is sent
  bool loopback = false;  ///< on this machine
  EndpointOptions options = {};
  /// BASE/chat/completions.
  std::string url() const { return base + "/chat/completions"; }
};

/// Checks a base address: http or https, a host, no user, query or fragment, no space or control
/// character. Also one that names /chat/completions itself is taken. Error (exit 2) names the
/// option.
Endpoint parse_endpoint(std::string_view base, const std::string& model,
                        const EndpointOptions& options = {});

/// A variable of the environment; none or empty: not set.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;

/// Takes the key from ICLORA_API_KEY, else from OPENAI_API_KEY. The latter is often there for
/// another purpose: it is not sent in clear text over a network. Returns why a key was left out;
/// empty: it was not. Error (exit 2) for a key that cannot stand in a header, without showing it.
std::string take_key(Endpoint& endpoint, const Environment& environment);

}  // namespace iclora::captions
