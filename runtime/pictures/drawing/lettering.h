// Text on pictures: ASCII, in the letters of stb_easy_font.
#pragma once

#include "hewn/runtime/pictures/drawing/canvas.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace hewn {

/// From the top of capitals to the end of what hangs below the line, in pixels.
inline constexpr std::int64_t kTextHeight = 18;

/// `text` as it can be drawn: each character of UTF-8 that is not printable ASCII becomes one
/// question mark.
std::string drawable(std::string_view text);

/// Pixels from the left edge of the first letter to the right edge of the last. Text as from
/// drawable().
std::int64_t text_width(std::string_view text);

/// The text, or its beginning and ".." where it is wider than `width` pixels; empty where not even
/// those fit. Text as from drawable().
std::string shortened(std::string text, std::int64_t width);

/// Draws text with its upper left corner at pixel (left, top). Text as from drawable().
void draw_text(Canvas& canvas, std::string_view text, std::int64_t left, std::int64_t top,
               const Colour& colour);

}  // namespace hewn
