#include "hewn/runtime/text/unicode.h"

#include "hewn/runtime/error.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <ios>
#include <span>
#include <sstream>
#include <utf8proc.h>
#include <vector>

namespace hewn::detail {

namespace {

using CodePoints = std::vector<utf8proc_int32_t>;

constexpr char32_t kCapitalDottedI = U'\u0130';
constexpr char32_t kCapitalSigma = U'\u03a3';
constexpr char32_t kFinalSigma = U'\u03c2';

utf8proc_category_t category(char32_t c) {
  return utf8proc_category(static_cast<utf8proc_int32_t>(c));
}

bool is_between(utf8proc_category_t value, utf8proc_category_t first, utf8proc_category_t last) {
  return value >= first && value <= last;
}

struct Range {
  char32_t first, last;
};

bool is_in(char32_t c, std::span<const Range> ranges) {
  return std::ranges::any_of(
      ranges, [c](const Range& range) { return c >= range.first && c <= range.last; });
}

/// The property Cased of what is not also Case_Ignorable. Of Other_Lowercase and Other_Uppercase
/// that leaves the ordinal indicators, Roman numerals, and letters in circles and squares.
bool is_cased(char32_t c) {
  constexpr std::array<Range, 7> kOthers{{{U'\u00aa', U'\u00aa'},
                                          {U'\u00ba', U'\u00ba'},
                                          {U'\u2160', U'\u217f'},
                                          {U'\u24b6', U'\u24e9'},
                                          {U'\U0001f130', U'\U0001f149'},
                                          {U'\U0001f150', U'\U0001f169'},
                                          {U'\U0001f170', U'\U0001f189'}}};
  return is_between(category(c), UTF8PROC_CATEGORY_LU, UTF8PROC_CATEGORY_LT) || is_in(c, kOthers);
}

/// The property Case_Ignorable: marks, formats and modifiers, and the word breaks MidLetter,
/// MidNumLet and Single_Quote, which are punctuation within words.
bool is_case_ignorable(char32_t c) {
  constexpr std::u32string_view kWithinWords =
      U"'.:\u00b7\u0387\u055f\u05f4\u2018\u2019\u2024\u2027\ufe13\ufe52\ufe55\uff07\uff0e\uff1a";
  switch (category(c)) {
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_SK:
      return true;
    default:
      return kWithinWords.find(c) != std::u32string_view::npos;
  }
}

/// The condition Final_Sigma of Unicode's SpecialCasing for the character at `at`: a letter before
/// it and none after it, whatever can be ignored in between.
bool ends_word(std::u32string_view text, std::size_t at) {
  std::size_t before = at;
  while (before > 0 && is_case_ignorable(text[before - 1])) --before;
  if (before == 0 || !is_cased(text[before - 1])) return false;
  std::size_t after = at + 1;
  while (after < text.size() && is_case_ignorable(text[after])) ++after;
  return after == text.size() || !is_cased(text[after]);
}

/// Neither white space nor in one of the categories C*, such as control characters.
bool is_visible(char32_t c) {
  return is_between(category(c), UTF8PROC_CATEGORY_LU, UTF8PROC_CATEGORY_SO);
}

/// A character, and how many bytes of UTF-8 it was: none when they were not UTF-8.
struct Utf8Character {
  char32_t value = 0;
  std::size_t size = 0;
};

Utf8Character first_of_utf8(std::string_view bytes) {
  utf8proc_int32_t value = 0;
  const auto size = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(bytes.data()),
                                     static_cast<utf8proc_ssize_t>(bytes.size()), &value);
  if (size <= 0) return {};
  return {.value = static_cast<char32_t>(value), .size = static_cast<std::size_t>(size)};
}

void append_decomposed(char32_t c, int options, CodePoints& to) {
  std::array<utf8proc_int32_t, 32> parts{};  // 18 is the longest
  int unused = 0;
  const auto count = utf8proc_decompose_char(static_cast<utf8proc_int32_t>(c), parts.data(),
                                             static_cast<utf8proc_ssize_t>(parts.size()),
                                             static_cast<utf8proc_option_t>(options), &unused);
  to.insert(to.end(), parts.begin(), parts.begin() + count);
}

/// Sorts each run of marks by their combining classes. utf8proc would exchange neighbours.
void order_marks(CodePoints& text) {
  const auto combining_class = [](utf8proc_int32_t c) {
    return utf8proc_get_property(c)->combining_class;
  };
  const auto is_mark = [&](utf8proc_int32_t c) { return combining_class(c) != 0; };
  auto begin = std::ranges::find_if(text, is_mark);
  while (begin != text.end()) {
    const auto end = std::find_if_not(begin, text.end(), is_mark);
    std::stable_sort(begin, end, [&](utf8proc_int32_t a, utf8proc_int32_t b) {
      return combining_class(a) < combining_class(b);
    });
    begin = std::find_if(end, text.end(), is_mark);
  }
}

void append_composed(std::u32string_view text, std::u32string& to) {
  CodePoints parts;
  parts.reserve(text.size());
  for (const char32_t c : text) append_decomposed(c, UTF8PROC_DECOMPOSE, parts);
  order_marks(parts);
  const auto options = static_cast<utf8proc_option_t>(UTF8PROC_COMPOSE | UTF8PROC_STABLE);
  const auto size =
      utf8proc_normalize_utf32(parts.data(), static_cast<utf8proc_ssize_t>(parts.size()), options);
  to.append(parts.begin(), parts.begin() + size);
}

}  // namespace

std::u32string from_utf8(std::string_view bytes) {
  std::u32string text;
  text.reserve(bytes.size());
  for (std::size_t at = 0; at < bytes.size();) {
    const Utf8Character next = first_of_utf8(bytes.substr(at));
    require(next.size > 0, "expected text in UTF-8, got the byte 0x", std::hex,
            static_cast<unsigned>(static_cast<unsigned char>(bytes[at])), std::dec, " at byte ", at,
            ", which begins no character");
    text += next.value;
    at += next.size;
  }
  return text;
}

std::string to_utf8(std::u32string_view text) {
  std::string bytes;
  bytes.reserve(text.size());
  for (const char32_t c : text) {
    std::array<utf8proc_uint8_t, 4> encoded{};
    const auto size = utf8proc_encode_char(static_cast<utf8proc_int32_t>(c), encoded.data());
    bytes.append(encoded.begin(), encoded.begin() + size);
  }
  return bytes;
}

std::string printable_utf8(std::string_view bytes) {
  std::ostringstream printable;
  printable << std::hex;
  while (!bytes.empty()) {
    const Utf8Character next = first_of_utf8(bytes);
    if (next.size > 0 && is_visible(next.value)) {
      printable << bytes.substr(0, next.size);
      bytes.remove_prefix(next.size);
    } else {
      // Of a byte below 0x10, both digits.
      const unsigned byte = static_cast<unsigned char>(bytes.front());
      printable << "\\x" << byte / 16 << byte % 16;
      bytes.remove_prefix(1);
    }
  }
  return printable.str();
}

bool is_letter(char32_t c) {
  return is_between(category(c), UTF8PROC_CATEGORY_LU, UTF8PROC_CATEGORY_LO);
}

bool is_number(char32_t c) {
  return is_between(category(c), UTF8PROC_CATEGORY_ND, UTF8PROC_CATEGORY_NO);
}

bool is_digit(char32_t c) { return category(c) == UTF8PROC_CATEGORY_ND; }

bool is_space(char32_t c) {
  return (c >= '\t' && c <= '\r') || (c >= U'\x1c' && c <= U'\x1f') || c == U'\u0085' ||
         is_between(category(c), UTF8PROC_CATEGORY_ZS, UTF8PROC_CATEGORY_ZP);
}

std::u32string compose(std::u32string_view text) {
  constexpr char32_t kFirstMark = U'\u0300';  // everything below is composed as it stands
  if (std::ranges::all_of(text, [](char32_t c) { return c < kFirstMark; })) {
    return std::u32string(text);
  }
  // utf8proc 2.8 makes one syllable of a Korean one and this, which is the place before the first
  // final consonant, and none. It composes with nothing, so the text may be cut before it.
  constexpr char32_t kNoFinalConsonant = U'\u11a7';
  std::u32string composed;
  composed.reserve(text.size());
  while (!text.empty()) {
    const std::size_t size = std::min(text.find(kNoFinalConsonant, 1), text.size());
    append_composed(text.substr(0, size), composed);
    text.remove_prefix(size);
  }
  return composed;
}

std::u32string decompose_fully(char32_t c) {
  CodePoints parts;
  append_decomposed(c, UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT, parts);
  return {parts.begin(), parts.end()};
}

std::u32string to_lower(std::u32string_view text) {
  std::u32string lower;
  lower.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == kCapitalDottedI) {
      lower += U"i\u0307";
    } else if (text[i] == kCapitalSigma && ends_word(text, i)) {
      lower += kFinalSigma;
    } else {
      lower += static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(text[i])));
    }
  }
  return lower;
}

std::u32string to_simple_upper(std::u32string_view text) {
  std::u32string upper(text);
  for (char32_t& c : upper) {
    c = static_cast<char32_t>(utf8proc_toupper(static_cast<utf8proc_int32_t>(c)));
  }
  return upper;
}

char32_t from_windows_1252(char32_t c) {
  constexpr std::u32string_view kCharacters =
      U"\u20ac\x81\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\x8d\u017d\x8f"
      U"\x90\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\x9d\u017e"
      U"\u0178";
  static_assert(kCharacters.size() == 0x20);
  return c >= U'\x80' && c <= U'\x9f' ? kCharacters[c - U'\x80'] : c;
}

}  // namespace hewn::detail
