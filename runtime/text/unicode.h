// What Unicode says of characters, from utf8proc's tables, and what Python's str does with them.
// Internal: not installed.
//
// utf8proc 2.8 knows Unicode 15.0; a character that it does not know is neither letter nor number,
// and stays as it is. Unless said otherwise nothing throws. All functions are thread-safe.
#pragma once

#include <string>
#include <string_view>

namespace hewn::detail {

/// The characters of UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above
/// U+10FFFF. Throws Error, which says what byte is in the way and where, for other bytes.
std::u32string from_utf8(std::string_view bytes);

/// The UTF-8 of characters that from_utf8() or the functions below have returned.
std::string to_utf8(std::u32string_view text);

/// Any bytes for people to read: what is not UTF-8, or not to be seen, as \xNN.
std::string printable_utf8(std::string_view bytes);

bool is_letter(char32_t c);  ///< category L*
bool is_number(char32_t c);  ///< category N*
bool is_digit(char32_t c);   ///< category Nd, which is \d of Python's re
bool is_space(char32_t c);   ///< str.isspace()

/// unicodedata.normalize("NFC", text). Takes time in proportion to the text, but for sorting the
/// marks on each letter.
std::u32string compose(std::u32string_view text);

/// The compatibility decomposition of one character: U+FF21, a wide A, becomes A.
std::u32string decompose_fully(char32_t c);

/// str.lower(), with its two rules that are not of one character alone: İ becomes i and U+0307, and
/// Σ at the end of a word ς.
std::u32string to_lower(std::u32string_view text);

/// Capital letters, each character for itself: ß stays as it is.
std::u32string to_simple_upper(std::u32string_view text);

/// What a byte from 0x80 to 0x9f of windows-1252 stands for; the five that stand for nothing, and
/// all other characters, stay as they are.
char32_t from_windows_1252(char32_t c);

}  // namespace hewn::detail
