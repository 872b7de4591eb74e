#include "hewn/runtime/text/html_entities.h"

#include "hewn/runtime/text/html_entity_table.h"
#include "hewn/runtime/text/unicode.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>

namespace hewn::detail {

namespace {

constexpr char32_t kReplacement = U'\ufffd';
constexpr char32_t kLastCodePoint = U'\U0010ffff';

/// What a reference stands for, and how many characters of the text it takes.
struct Reference {
  std::u32string characters;
  std::size_t length = 0;
};

bool is_ascii_digit(char32_t c) { return c >= U'0' && c <= U'9'; }
bool is_ascii_capital(char32_t c) { return c >= U'A' && c <= U'Z'; }
bool is_ascii_letter(char32_t c) { return is_ascii_capital(c) || (c >= U'a' && c <= U'z'); }
bool is_ascii_alphanumeric(char32_t c) { return is_ascii_letter(c) || is_ascii_digit(c); }

/// The value of a digit to the base of 10 or 16, or nothing.
std::optional<char32_t> digit_value(char32_t c, char32_t base) {
  if (is_ascii_digit(c)) return c - U'0';
  if (base == 10 || !is_ascii_letter(c)) return std::nullopt;
  const char32_t value = (c | 0x20U) - U'a' + 10;
  return value < base ? std::optional(value) : std::nullopt;
}

/// Control characters but for white space, and what is no character at all.
bool vanishes(char32_t c) {
  return (c < 0x20 && c != U'\t' && c != U'\n' && c != U'\f' && c != U'\r') ||
         (c >= 0x7f && c <= 0x9f) || (c >= 0xfdd0 && c <= 0xfdef) || (c & 0xfffeU) == 0xfffeU;
}

std::u32string numbered_character(char32_t number) {
  if (number == 0 || number > kLastCodePoint || (number >= 0xd800 && number <= 0xdfff)) {
    return {kReplacement};
  }
  if (number >= 0x80 && number <= 0x9f) return {from_windows_1252(number)};
  if (vanishes(number)) return {};
  return {number};
}

/// The reference by number that `text` begins with: &#38; or &#x26;, with or without semicolon.
std::optional<Reference> numbered_reference(std::u32string_view text) {
  std::size_t at = 2;
  char32_t base = 10;
  if (text.size() > at && (text[at] == U'x' || text[at] == U'X')) {
    base = 16;
    ++at;
  }
  const std::size_t first = at;
  char32_t number = 0;
  for (; at < text.size(); ++at) {
    const std::optional<char32_t> digit = digit_value(text[at], base);
    if (!digit) break;
    number = std::min(number * base + *digit, kLastCodePoint + 1);  // stays too large
  }
  if (at == first) return std::nullopt;
  if (at < text.size() && text[at] == U';') ++at;
  return Reference{.characters = numbered_character(number), .length = at};
}

/// The letters and digits after the & that `text` begins with, at most `most` of them. No name has
/// anything else.
std::string name_in(std::u32string_view text, std::size_t most) {
  std::string name;
  for (const char32_t c : text.substr(1, most)) {
    if (!is_ascii_alphanumeric(c)) break;
    name += static_cast<char>(c);
  }
  return name;
}

/// The longest name that needs no semicolon and that `name` begins with; empty if there is none.
std::string_view bare_entity_in(std::string_view name) {
  for (std::size_t size = std::min(name.size(), kLongestBareEntity); size > 0; --size) {
    const HtmlEntity* entity = find_html_entity(name.substr(0, size));
    if (entity != nullptr && !entity->needs_semicolon) return name.substr(0, size);
  }
  return {};
}

std::optional<Reference> named_reference(std::u32string_view text) {
  constexpr std::size_t kMost = 32;
  const std::string name = name_in(text, kMost);
  const std::size_t end = name.size() + 1;
  const HtmlEntity* entity = find_html_entity(name);
  if (entity != nullptr && end < text.size() && text[end] == U';') {
    return Reference{.characters = entity->characters, .length = end + 1};
  }
  const std::string_view bare = bare_entity_in(name);
  if (bare.empty()) return std::nullopt;
  return Reference{.characters = find_html_entity(bare)->characters, .length = bare.size() + 1};
}

/// The reference that `text`, which begins with &, begins with.
std::optional<Reference> browser_reference(std::u32string_view text) {
  return text.size() > 1 && text[1] == U'#' ? numbered_reference(text) : named_reference(text);
}

/// str.upper() of what an entity stands for. utf8proc maps one character to one; these are the
/// entities of which that is not enough.
std::u32string to_upper(std::u32string_view characters) {
  constexpr std::pair<std::u32string_view, std::u32string_view> kLonger[] = {
      {U"\u00df", U"SS"}, {U"\u0149", U"\u02bcN"}, {U"\ufb00", U"FF"}, {U"\ufb01", U"FI"},
      {U"\ufb02", U"FL"}, {U"\ufb03", U"FFI"},     {U"\ufb04", U"FFL"}};
  const auto* longer = std::ranges::find_if(
      kLonger, [&](const auto& mapping) { return mapping.first == characters; });
  return longer == std::end(kLonger) ? to_simple_upper(characters) : std::u32string(longer->second);
}

/// What a name all in capitals stands for when the table has it in small letters alone, and when
/// no browser reads anything into it.
std::optional<std::u32string> capital_entity(std::string_view name) {
  std::string small(name);
  for (char& c : small) {
    if (c >= 'a' && c <= 'z') return std::nullopt;
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  const HtmlEntity* entity = find_html_entity(small);
  if (entity == nullptr || !bare_entity_in(name).empty()) return std::nullopt;
  return to_upper(entity->characters);
}

std::optional<std::u32string> plain_entity(std::string_view name) {
  const HtmlEntity* entity = find_html_entity(name);
  return entity != nullptr ? std::optional(entity->characters) : capital_entity(name);
}

/// What a reference by number, semicolon included, stands for, if that is all of it.
std::optional<std::u32string> plain_number(std::u32string_view reference) {
  std::u32string characters = unescape_html(reference);
  if (characters.find(U';') != std::u32string::npos) return std::nullopt;
  return characters;
}

/// As browser_reference(), by ftfy's rule.
std::optional<Reference> plain_reference(std::u32string_view text) {
  constexpr std::size_t kMost = 24;
  const std::size_t first = text.size() > 1 && text[1] == U'#' ? 2 : 1;
  const std::string name = name_in(text.substr(first - 1), kMost);
  const std::size_t end = first + name.size();
  if (name.empty() || end >= text.size() || text[end] != U';') return std::nullopt;
  const std::optional<std::u32string> characters =
      first == 2 ? plain_number(text.substr(0, end + 1)) : plain_entity(name);
  if (!characters) return std::nullopt;
  return Reference{.characters = *characters, .length = end + 1};
}

template <typename FindReference>
std::u32string replace_references(std::u32string_view text, const FindReference& find_reference) {
  std::u32string replaced;
  replaced.reserve(text.size());
  while (!text.empty()) {
    const std::size_t plain = std::min(text.find(U'&'), text.size());
    replaced += text.substr(0, plain);
    text.remove_prefix(plain);
    if (text.empty()) break;
    if (const std::optional<Reference> reference = find_reference(text)) {
      replaced += reference->characters;
      text.remove_prefix(reference->length);
    } else {
      replaced += text.front();
      text.remove_prefix(1);
    }
  }
  return replaced;
}

}  // namespace

std::u32string unescape_html(std::u32string_view text) {
  return replace_references(text, browser_reference);
}

std::u32string unescape_plain_entities(std::u32string_view text) {
  return replace_references(text, plain_reference);
}

}  // namespace hewn::detail
