#include "tokenizers/added_tokens.h"

#include <algorithm>

#include "core/error.h"
#include "tokenizers/unicode.h"

namespace iclora::tokenizers {
namespace {

bool is_word(char32_t c) {
  return is_letter(c) || is_number(c) || c == '_';
}

/// Last code point of a text that ends in well-formed UTF-8; 0 when empty.
char32_t last_code_point(std::string_view text) {
  if (text.empty()) return 0;
  size_t start = text.size() - 1;
  while (start > 0 && (static_cast<unsigned char>(text[start]) & 0xC0) == 0x80) --start;
  return decode_utf8(text.substr(start)).back();
}

char32_t first_code_point(std::string_view text) {
  return text.empty() ? 0 : decode_utf8(text.substr(0, 4)).front();
}

size_t spaces_before(std::string_view text) {
  size_t length = 0;
  while (length < text.size()) {
    const char32_t c = last_code_point(text.substr(0, text.size() - length));
    if (!is_space(c)) break;
    std::string bytes;
    append_utf8(bytes, c);
    length += bytes.size();
  }
  return length;
}

size_t spaces_after(std::string_view text) {
  size_t length = 0;
  while (length < text.size()) {
    const char32_t c = first_code_point(text.substr(length));
    if (!is_space(c)) break;
    std::string bytes;
    append_utf8(bytes, c);
    length += bytes.size();
  }
  return length;
}

}  // namespace

void AddedTokens::add(AddedToken token) {
  if (token.content.empty()) return;
  std::string content = token.content;
  tokens_.insert_or_assign(std::move(content), std::move(token));
}

const AddedToken* AddedTokens::find(std::string_view content) const {
  const auto found = tokens_.find(content);
  return found == tokens_.end() ? nullptr : &found->second;
}

std::vector<Segment> AddedTokens::split(std::string_view text) const {
  std::vector<Segment> segments;
  size_t start = 0;     // of the text not yet given out
  size_t position = 0;  // where a token may begin
  while (position < text.size()) {
    const AddedToken* longest = nullptr;
    for (const auto& [content, token] : tokens_) {
      if (text.substr(position).starts_with(content) &&
          (longest == nullptr || content.size() > longest->content.size())) {
        longest = &token;
      }
    }
    if (longest == nullptr) {
      ++position;
      continue;
    }
    size_t begin = position;
    size_t end = position + longest->content.size();
    if (longest->single_word && (is_word(last_code_point(text.substr(0, begin))) ||
                                 is_word(first_code_point(text.substr(end))))) {
      position = end;
      continue;
    }
    if (longest->lstrip) begin -= std::min(begin - start, spaces_before(text.substr(0, begin)));
    if (longest->rstrip) end += spaces_after(text.substr(end));
    if (begin > start) segments.push_back({text.substr(start, begin - start), -1});
    segments.push_back({text.substr(begin, end - begin), longest->id});
    start = position = end;
  }
  if (start < text.size()) segments.push_back({text.substr(start), -1});
  return segments;
}

AddedToken added_token_from_json(const Json& json, int64_t id, const std::string& origin) {
  if (!json.is_object()) fail_input("{}: an added token must be an object.", origin);
  AddedToken token;
  token.content = json_string(json, "content", origin);
  token.id = static_cast<int32_t>(id);
  token.lstrip = json_bool_or(json, "lstrip", origin, false);
  token.rstrip = json_bool_or(json, "rstrip", origin, false);
  token.single_word = json_bool_or(json, "single_word", origin, false);
  if (json_bool_or(json, "normalized", origin, false) &&
      !json_bool_or(json, "special", origin, false)) {
    fail_input(
        "{}: the added token '{}' is to be looked for in normalised text, which is not "
        "supported.",
        origin, printable(token.content));
  }
  return token;
}

}  // namespace iclora::tokenizers
