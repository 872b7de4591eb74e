// Character references in a text, such as &amp; and &#38;, replaced by the characters they stand
// for. Internal: not installed.
//
// Nothing throws. Takes time in proportion to the text. Both functions are thread-safe.
#pragma once

#include <string>
#include <string_view>

namespace hewn::detail {

/// Python's html.unescape(), which does what the standard asks of browsers: names that are as old
/// as Latin-1 may lack their semicolon, and then the longest one counts ("&notit" is "¬it"); a
/// number that is a byte of windows-1252 is taken for that; what may not be referred to, such as a
/// control character, vanishes. One difference: a number of more than 4300 digits is U+FFFD like
/// any that is too large, where Python gives up.
std::u32string unescape_html(std::u32string_view text);

/// ftfy's fix "unescape_html", which is more careful: every reference must have its semicolon, and
/// at most 24 letters and digits. Names may be all in capitals for what is then a capital letter:
/// "&EACUTE;" is "É". A semicolon stays a reference ("&#59;").
std::u32string unescape_plain_entities(std::u32string_view text);

}  // namespace hewn::detail
