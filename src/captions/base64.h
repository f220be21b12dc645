#pragma once
// Base64 (RFC 4648, section 4): how bytes stand in a data URL.

#include <string>
#include <string_view>

namespace iclora::captions {

std::string base64(std::string_view bytes);

}  // namespace iclora::captions
