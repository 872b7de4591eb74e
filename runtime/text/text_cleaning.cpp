#include "hewn/runtime/text/text_cleaning.h"

#include "hewn/runtime/error.h"
#include "hewn/runtime/text/html_entities.h"
#include "hewn/runtime/text/unicode.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

namespace hewn::detail {

namespace {

/// ftfy's max_decode_length.
constexpr std::size_t kLongestSegment = 1'000'000;

constexpr char32_t kEscape = U'\x1b';

/// The ligatures of Latin letters that ftfy takes apart, each followed by its letters.
constexpr std::array<std::u32string_view, 22> kLigatures{
    U"\u0132IJ",      U"\u0133ij",      U"\u0149\u02bcn", U"\u01f1DZ", U"\u01f2Dz", U"\u01f3dz",
    U"\u01c4D\u017d", U"\u01c5D\u017e", U"\u01c6d\u017e", U"\u01c7LJ", U"\u01c8Lj", U"\u01c9lj",
    U"\u01caNJ",      U"\u01cbNj",      U"\u01ccnj",      U"\ufb00ff", U"\ufb01fi", U"\ufb02fl",
    U"\ufb03ffi",     U"\ufb04ffl",     U"\ufb05\u017ft", U"\ufb06st"};

bool has_other_width(char32_t c) { return c == U'\u3000' || (c >= U'\uff01' && c <= U'\uffef'); }

char32_t straight_quote(char32_t c) {
  if (c == U'\u02bc' || (c >= U'\u2018' && c <= U'\u201b')) return U'\'';
  return c >= U'\u201c' && c <= U'\u201f' ? U'"' : c;
}

/// ftfy's fixes that replace one character at a time, in their order.
void append_fixed(char32_t c, std::u32string& text) {
  c = from_windows_1252(c);
  const auto* ligature = std::ranges::find(kLigatures, c, &std::u32string_view::front);
  if (ligature != kLigatures.end()) {
    for (const char32_t letter : ligature->substr(1)) text += straight_quote(letter);
  } else if (has_other_width(c)) {
    text += decompose_fully(c);  // no quote among these is curly
  } else {
    text += straight_quote(c);
  }
}

std::u32string fix_characters(std::u32string_view text) {
  constexpr char32_t kFirstFixed = U'\x80';
  std::u32string fixed;
  fixed.reserve(text.size());
  for (const char32_t c : text) {
    if (c < kFirstFixed) {
      fixed += c;
    } else {
      append_fixed(c, fixed);
    }
  }
  return fixed;
}

/// Every line break as a line feed. (U+0085, one more, is an ellipsis by now.)
std::u32string fix_line_breaks(std::u32string_view text) {
  std::u32string fixed;
  fixed.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool is_break = text[i] == U'\r' || text[i] == U'\u2028' || text[i] == U'\u2029';
    fixed += is_break ? U'\n' : text[i];
    if (text.substr(i, 2) == U"\r\n") ++i;
  }
  return fixed;
}

/// The length of the terminal escape that `text` begins with, as in ESC[1;31m, or 0.
std::size_t terminal_escape(std::u32string_view text) {
  if (text.substr(0, 2) != U"\x1b[") return 0;
  std::size_t at = 2;
  while (at < text.size() && (text[at] == U';' || is_digit(text[at]))) ++at;
  if (at == text.size()) return 0;
  const char32_t letter = text[at] | 0x20U;
  return letter >= U'a' && letter <= U'z' ? at + 1 : 0;
}

bool is_unwanted_control(char32_t c) {
  return c < U'\t' || c == U'\v' || (c > U'\r' && c < U' ') || c == U'\x7f' ||
         (c >= U'\u206a' && c <= U'\u206f') || c == U'\ufeff' || (c >= U'\ufff9' && c <= U'\ufffc');
}

/// Terminal escapes go as a whole, and control characters one by one.
std::u32string remove_controls(std::u32string_view text) {
  std::u32string fixed;
  fixed.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::size_t escape = text[i] == kEscape ? terminal_escape(text.substr(i)) : 0;
    if (escape > 0) {
      i += escape - 1;
    } else if (!is_unwanted_control(text[i])) {
      fixed += text[i];
    }
  }
  return fixed;
}

std::u32string fix_segment(std::u32string text, bool unescape) {
  for (int round = 0; round < kMostCleanings; ++round) {
    std::u32string fixed = unescape ? unescape_plain_entities(text) : text;
    fixed = compose(remove_controls(fix_line_breaks(fix_characters(fixed))));
    if (fixed == text) return fixed;
    text = std::move(fixed);
  }
  fail("expected a text that is clean after ", kMostCleanings,
       " rounds, got one with HTML entities within each other deeper than that");
}

std::u32string fix_text(std::u32string_view text) {
  std::u32string fixed;
  bool unescape = true;
  while (!text.empty()) {
    const std::size_t line = std::min(text.find(U'\n'), text.size() - 1) + 1;
    const std::u32string_view segment = text.substr(0, std::min(line, kLongestSegment));
    unescape = unescape && segment.find(U'<') == std::u32string_view::npos;
    fixed += fix_segment(std::u32string(segment), unescape);
    text.remove_prefix(segment.size());
  }
  return fixed;
}

std::u32string collapse_spaces(std::u32string_view text) {
  std::u32string collapsed;
  collapsed.reserve(text.size());
  bool is_first_of_word = false;
  for (const char32_t c : text) {
    if (is_space(c)) {
      is_first_of_word = !collapsed.empty();
      continue;
    }
    if (is_first_of_word) collapsed += U' ';
    is_first_of_word = false;
    collapsed += c;
  }
  return collapsed;
}

/// Whether `text` begins with `word`, which is in small letters, whatever the case.
bool begins_with(std::u32string_view text, std::u32string_view word) {
  constexpr char32_t kLongS = U'\u017f';
  return text.size() >= word.size() &&
         std::ranges::equal(text.substr(0, word.size()), word, [](char32_t c, char32_t expected) {
           return c == expected || (c == kLongS && expected == U's');
         });
}

bool is_in_no_word(char32_t c) {
  constexpr char32_t kIotaBelow = U'\u0345';
  return is_space(c) || c == kIotaBelow;
}

bool is_neither_letter_nor_number(char32_t c) {
  return !is_in_no_word(c) && !is_letter(c) && !is_number(c);
}

/// The length of the word that `text` begins with, or 0 if its first character is in none.
std::size_t word_size(std::u32string_view text) {
  constexpr std::array<std::u32string_view, 9> kWhole{
      kStartOfText, kEndOfText, U"'s", U"'t", U"'re", U"'ve", U"'m", U"'ll", U"'d"};
  const auto* whole = std::ranges::find_if(
      kWhole, [text](std::u32string_view word) { return begins_with(text, word); });
  if (whole != kWhole.end()) return whole->size();
  if (is_number(text.front())) return 1;
  const auto run = [text](bool (*belongs)(char32_t)) {
    return static_cast<std::size_t>(std::ranges::find_if_not(text, belongs) - text.begin());
  };
  return is_letter(text.front()) ? run(is_letter) : run(is_neither_letter_nor_number);
}

}  // namespace

std::u32string clean_text(std::u32string_view text) {
  return to_lower(collapse_spaces(unescape_html(unescape_html(fix_text(text)))));
}

std::vector<std::u32string_view> split_words(std::u32string_view text) {
  std::vector<std::u32string_view> words;
  while (!text.empty()) {
    const std::size_t size = word_size(text);
    if (size > 0) words.push_back(text.substr(0, size));
    text.remove_prefix(std::max<std::size_t>(size, 1));
  }
  return words;
}

}  // namespace hewn::detail
