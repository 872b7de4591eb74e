// The names of characters in HTML. Internal: not installed.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace hewn::detail {

/// What a name stands for.
struct HtmlEntity {
  std::u32string characters;    ///< one or two
  bool needs_semicolon = true;  ///< false for the names that browsers also know without
};

/// The longest name that needs no semicolon, in characters.
inline constexpr std::size_t kLongestBareEntity = 6;

/// The entity of this name, which is written without & and semicolon, or null. Names are
/// case-sensitive. Nothing throws; thread-safe.
const HtmlEntity* find_html_entity(std::string_view name);

}  // namespace hewn::detail
