#include "hewn/runtime/pictures/drawing/lettering.h"

#include "hewn/runtime/error.h"

#include <algorithm>
#include <vector>

// Some of what the header defines is not used here.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#include <stb/stb_easy_font.h>
#pragma GCC diagnostic pop

namespace hewn {

namespace {

/// Pixels to one dot of the font.
constexpr std::int64_t kDot = 2;

/// A little more than a dot, so that dots that touch at a corner do not come apart.
constexpr double kStrokeWidth = 1.15 * kDot;

/// No letter has more strokes.
constexpr std::size_t kMostStrokes = 11;

/// A row or column of dots, as stb_easy_font_print() writes it.
struct Stroke {
  struct Corner {
    float x, y, z;
    std::uint8_t colour[4];
  };
  Corner corners[4];  // from the upper left, clockwise, in dots
};

/// Dots from the edge of the text to the centre of a dot, as pixels' centres are counted.
double to_pixels(float dots) { return static_cast<double>(dots * kDot) - 0.5; }

}  // namespace

std::string drawable(std::string_view text) {
  std::string line(text);
  const auto continues_character = [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0U) == 0x80U;
  };
  std::erase_if(line, continues_character);
  return printable(line);
}

std::int64_t text_width(std::string_view text) {
  std::string line(text);  // stb takes what it could write to
  // Every letter has a dot of air behind it.
  return std::max(stb_easy_font_width(line.data()) - 1, 0) * kDot;
}

std::string shortened(std::string text, std::int64_t width) {
  if (text_width(text) <= width) return text;
  constexpr std::string_view kCut = "..";
  // Every letter takes more than one pixel: what would take long to pop one by one goes at once.
  text.resize(std::min(text.size(), static_cast<std::size_t>(width)));
  while (!text.empty() && text_width(text + std::string(kCut)) > width) text.pop_back();
  return text.empty() ? text : text + std::string(kCut);
}

void draw_text(Canvas& canvas, std::string_view text, std::int64_t left, std::int64_t top,
               const Colour& colour) {
  std::string line(text);
  std::vector<Stroke> strokes(line.size() * kMostStrokes);
  const int count = stb_easy_font_print(0, 0, line.data(), nullptr, strokes.data(),
                                        static_cast<int>(strokes.size() * sizeof(Stroke)));
  strokes.resize(static_cast<std::size_t>(count));
  for (const Stroke& stroke : strokes) {
    const Stroke::Corner& from = stroke.corners[0];
    const Stroke::Corner& to = stroke.corners[2];
    const auto x = static_cast<double>(left);
    const auto y = static_cast<double>(top);
    canvas.draw_line({x + to_pixels(from.x + 0.5F), y + to_pixels(from.y + 0.5F)},
                     {x + to_pixels(to.x - 0.5F), y + to_pixels(to.y - 0.5F)},
                     {.colour = colour, .width = kStrokeWidth});
  }
}

}  // namespace hewn
