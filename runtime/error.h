// The one exception type of the library, and the helpers that word it.
#pragma once

#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>

namespace hewn {

/// What every function of the library throws when its arguments, a file or a picture are not what
/// it needs. The message is one line for a person: what was looked at, what was expected, what
/// came.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Joins the arguments as `operator<<` prints them. For messages: locale-free, not fast.
template <typename... Parts>
std::string text_of(const Parts&... parts) {
  std::ostringstream out;
  out.imbue(std::locale::classic());
  (out << ... << parts);
  return out.str();
}

/// `text`, which may hold anything, for a message of one line: what is not printable ASCII becomes
/// a question mark.
inline std::string printable(std::string_view text) {
  std::string line(text);
  for (char& c : line) {
    if (c < ' ' || c > '~') c = '?';
  }
  return line;
}

/// Throws Error with the joined parts as its message.
template <typename... Parts>
[[noreturn]] void fail(const Parts&... parts) {
  throw Error(text_of(parts...));
}

/// Throws Error with the joined parts as its message unless `condition` holds.
template <typename... Parts>
void require(bool condition, const Parts&... parts) {
  if (!condition) fail(parts...);
}

}  // namespace hewn
