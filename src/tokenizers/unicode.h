#pragma once
// The Unicode properties that tokenisation depends on, as the reference library (tokenizers 0.23)
// has them, measured code point by code point: classes of Unicode 16, lower case and clusters of
// Unicode 17, composition of Unicode 9. utf8proc 2.8 has Unicode 15 for all of them.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace iclora::tokenizers {

/// Code points of `text`; bytes that are not UTF-8 become U+FFFD, one each.
std::vector<char32_t> decode_utf8(std::string_view text);
void append_utf8(std::string& out, char32_t code_point);
std::string encode_utf8(const std::vector<char32_t>& text);
/// Bytes of the well-formed sequence at the start of `text` (not empty), 0 if there is none.
size_t utf8_length(std::string_view text);

bool is_letter(char32_t c);  ///< \p{L}
bool is_number(char32_t c);  ///< \p{N}
bool is_space(char32_t c);   ///< White_Space
bool is_word(char32_t c);    ///< \w: letters, marks, decimal numbers, connectors, joiners

/// Canonical composition by Unicode 9, as the reference has it: marks that came later keep their
/// place, and later compositions are not made.
std::string nfc(const std::string& text);
/// Lower case of each character by itself.
std::vector<char32_t> lowercase(const std::vector<char32_t>& text);

/// Ends of the extended grapheme clusters, as byte offsets into `text` (valid UTF-8).
std::vector<size_t> grapheme_ends(std::string_view text);

}  // namespace iclora::tokenizers
