#include "tokenizers/added_tokens.h"

#include <algorithm>

#include "core/error.h"
#include "tokenizers/unicode.h"

namespace iclora::tokenizers {
namespace {

/// The last code point of a text that ends in well-formed UTF-8; 0 when it is empty.
char32_t last_code_point(std::string_view text) {
  if (text.empty()) return 0;
  size_t start = text.size() - 1;
  while (start > 0 && (static_cast<unsigned char>(text[start]) & 0xC0) == 0x80) --start;
  return decode_utf8(text.substr(start)).back();
}

char32_t first_code_point(std::string_view text) {
  return text.empty() ? 0 : decode_utf8(text.substr(0, 4)).front();
}

size_t bytes_of(char32_t c) {
  return c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
}

size_t spaces_before(std::string_view text) {
  size_t length = 0;
  while (length < text.size()) {
    const char32_t c = last_code_point(text.substr(0, text.size() - length));
    if (!is_space(c)) break;
    length += bytes_of(c);
  }
  return length;
}

size_t spaces_after(std::string_view text) {
  size_t length = 0;
  while (length < text.size()) {
    const char32_t c = first_code_point(text.substr(length));
    if (!is_space(c)) break;
    length += bytes_of(c);
  }
  return length;
}

}  // namespace

void AddedTokens::add(std::string pattern, const AddedToken& token) {
  if (pattern.empty()) return;
  std::vector<Entry>& entries = by_first_byte_[static_cast<unsigned char>(pattern[0])];
  const auto same = [&](const Entry& entry) { return entry.pattern == pattern; };
  if (std::any_of(entries.begin(), entries.end(), same)) return;
  entries.push_back({std::move(pattern), token});
}

const AddedTokens::Entry* AddedTokens::longest_at(std::string_view text, size_t position) const {
  const Entry* longest = nullptr;
  for (const Entry& entry : by_first_byte_[static_cast<unsigned char>(text[position])]) {
    if (text.substr(position).starts_with(entry.pattern) &&
        (longest == nullptr || entry.pattern.size() > longest->pattern.size())) {
      longest = &entry;
    }
  }
  return longest;
}

std::vector<Segment> AddedTokens::split(std::string_view text) const {
  std::vector<Segment> segments;
  size_t start = 0;     // of the text not yet given out
  size_t position = 0;  // where a token may begin
  while (position < text.size()) {
    const Entry* longest = longest_at(text, position);
    if (longest == nullptr) {
      ++position;
      continue;
    }
    size_t begin = position;
    size_t end = position + longest->pattern.size();
    const AddedToken& token = longest->token;
    if (token.single_word && (is_word(last_code_point(text.substr(0, begin))) ||
                              is_word(first_code_point(text.substr(end))))) {
      position = end;
      continue;
    }
    if (token.lstrip) begin -= std::min(begin - start, spaces_before(text.substr(0, begin)));
    if (token.rstrip) end += spaces_after(text.substr(end));
    if (begin > start) segments.push_back({text.substr(start, begin - start), -1});
    segments.push_back({text.substr(begin, end - begin), token.id});
    start = position = end;
  }
  if (start < text.size()) segments.push_back({text.substr(start), -1});
  return segments;
}

AddedToken added_token_from_json(const Json& json, bool special, const std::string& origin) {
  if (!json.is_object()) {
    fail_input("{}: an added token must be an object, but is {}.", origin,
               printable(json.dump(-1, ' ', false, Json::error_handler_t::replace), 60));
  }
  AddedToken token;
  token.content = json_string(json, "content", origin);
  token.lstrip = json_bool_or(json, "lstrip", origin, false);
  token.rstrip = json_bool_or(json, "rstrip", origin, false);
  token.single_word = json_bool_or(json, "single_word", origin, false);
  special = json_bool_or(json, "special", origin, special);
  token.normalized = json_bool_or(json, "normalized", origin, !special);
  return token;
}

}  // namespace iclora::tokenizers
