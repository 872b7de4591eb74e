// Texts as CLIP's tokenizer sees them: what open_clip does to a string before it looks for tokens.
// Internal: not installed.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hewn::detail {

/// open_clip's clean="lower": the fixes of ftfy 6.3 (below), then html.unescape() twice, white
/// space made single spaces, none at either end, and str.lower().
///
/// Of ftfy.fix_text() that is everything but its guess at texts that were decoded wrongly
/// (fix_encoding=False): a text that is valid UTF-8 is taken at its word. Until nothing changes
/// any more, on each line of at most a million characters: HTML entities, unless this line or one
/// before it has a "<"; control characters U+0080 to U+009F as bytes of windows-1252; Latin
/// ligatures; characters of other widths; curly quotes; line breaks; terminal escapes; control
/// characters; Unicode's form NFC.
///
/// Throws Error for a text that needs more than kMostCleanings rounds of that, which is one of
/// entities within entities. Thread-safe.
std::u32string clean_text(std::u32string_view text);

inline constexpr int kMostCleanings = 100;

/// The words of a clean text, in their order, as the pattern of CLIP has them: <start_of_text> and
/// <end_of_text>; the ends of contractions ('s, 't, 're, 've, 'm, 'll, 'd); runs of letters; single
/// numerals; runs of what is none of that, and no white space. White space belongs to no word.
///
/// The pattern ignores case, so that ſ counts as an s, and so does U+0345, a mark whose capital is
/// a letter: no word has it. Nothing throws; the words point into the text. Thread-safe.
std::vector<std::u32string_view> split_words(std::u32string_view text);

inline constexpr std::u32string_view kStartOfText = U"<start_of_text>";
inline constexpr std::u32string_view kEndOfText = U"<end_of_text>";

}  // namespace hewn::detail
