#pragma once
// The Unicode properties that tokenisation depends on, as the reference library (tokenizers 0.23)
// has them: classes of Unicode 16, lower case of Unicode 17.

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

/// Canonical composition. Compositions that came after Unicode 15 (in the Tulu-Tigalari, Gurung
/// Khema and Kirat Rai scripts) are left as they are.
std::string nfc(const std::string& text);
/// Lower case of each character by itself.
std::vector<char32_t> lowercase(const std::vector<char32_t>& text);

/// Ends of the extended grapheme clusters, as byte offsets into `text` (valid UTF-8).
std::vector<size_t> grapheme_ends(std::string_view text);

}  // namespace iclora::tokenizers
