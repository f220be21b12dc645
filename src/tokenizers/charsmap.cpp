#include "tokenizers/charsmap.h"

#include <array>
#include <cstring>

#include "core/error.h"
#include "tokenizers/unicode.h"

namespace iclora::tokenizers {
namespace {

// Units of darts-clone's double array.
bool has_leaf(uint32_t unit) {
  return (unit >> 8 & 1) != 0;
}
uint32_t value_of(uint32_t unit) {
  return unit & 0x7FFFFFFF;
}
uint32_t label_of(uint32_t unit) {
  return unit & 0x800000FF;
}
uint32_t offset_of(uint32_t unit) {
  return (unit >> 10) << ((unit & 0x200) >> 6);
}

}  // namespace

Charsmap Charsmap::from_bytes(std::string_view bytes, const std::string& origin) {
  Charsmap map;
  if (bytes.empty()) return map;
  uint32_t size = 0;
  if (bytes.size() >= 4) std::memcpy(&size, bytes.data(), 4);
  if (bytes.size() < 4 || size % 4 != 0 || size == 0 || size > bytes.size() - 4) {
    fail_input("{}: the character map is damaged (it says {} bytes of {}).", origin, size,
               bytes.size());
  }
  map.trie_.resize(size / 4);
  std::memcpy(map.trie_.data(), bytes.data() + 4, size);
  map.replacements_ = std::string(bytes.substr(4 + size));
  return map;
}

Charsmap Charsmap::from_base64(std::string_view text, const std::string& origin) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::array<int, 256> value{};
  value.fill(-1);
  for (size_t i = 0; i < kDigits.size(); ++i) {
    value[static_cast<unsigned char>(kDigits[i])] = static_cast<int>(i);
  }
  while (text.ends_with('=')) text.remove_suffix(1);
  std::string bytes;
  uint32_t bits = 0;
  int count = 0;
  for (const char digit : text) {
    const int six = value[static_cast<unsigned char>(digit)];
    if (six < 0) fail_input("{}: 'precompiled_charsmap' is not base64.", origin);
    bits = bits << 6 | static_cast<uint32_t>(six);
    count += 6;
    if (count >= 8) {
      count -= 8;
      bytes.push_back(static_cast<char>(bits >> count & 0xFF));
    }
  }
  return from_bytes(bytes, origin);
}

std::optional<std::string_view> Charsmap::transform(std::string_view piece) const {
  // The first (shortest) entry that begins the piece stands for the whole of it, as in the
  // reference, whose comment on it is a shrug.
  uint32_t node = 0;
  if (trie_.empty()) return std::nullopt;
  uint32_t unit = trie_[0];
  node ^= offset_of(unit);
  for (const char c : piece) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte == 0) break;
    node ^= byte;
    if (node >= trie_.size()) return std::nullopt;
    unit = trie_[node];
    if (label_of(unit) != byte) return std::nullopt;
    node ^= offset_of(unit);
    if (node >= trie_.size()) return std::nullopt;
    if (has_leaf(unit)) {
      const uint32_t start = value_of(trie_[node]);
      if (start >= replacements_.size()) return std::nullopt;
      return std::string_view(replacements_).substr(start, std::strlen(&replacements_[start]));
    }
  }
  return std::nullopt;
}

std::string Charsmap::apply(std::string_view text) const {
  if (trie_.empty()) return std::string(text);
  std::string out;
  size_t begin = 0;
  for (const size_t end : grapheme_ends(text)) {
    const std::string_view grapheme = text.substr(begin, end - begin);
    begin = end;
    if (grapheme.size() < 6) {
      if (const auto whole = transform(grapheme)) {
        out += *whole;
        continue;
      }
    }
    for (size_t at = 0; at < grapheme.size();) {
      const size_t length = utf8_length(grapheme.substr(at));
      const std::string_view character = grapheme.substr(at, length);
      out += transform(character).value_or(character);
      at += length;
    }
  }
  return out;
}

}  // namespace iclora::tokenizers
