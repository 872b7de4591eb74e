// Drawing on pictures, with smooth edges.
#pragma once

#include "hewn/runtime/pictures/geometry.h"
#include "hewn/runtime/pictures/image.h"
#include "hewn/runtime/tensor.h"

#include <array>
#include <cstdint>
#include <vector>

namespace hewn {

/// Red, green and blue in [0, 1].
using Colour = std::array<float, 3>;

/// What lines and discs are drawn with.
struct Pen {
  Colour colour{};
  double width = 1;   ///< in pixels
  float opacity = 1;  ///< in [0, 1]
};

/// An RGB picture to draw on. What lies outside of it is cut off.
class Canvas {
 public:
  /// All of one colour. Throws as Tensor does.
  Canvas(std::int64_t width, std::int64_t height, const Colour& background);

  /// Puts a gray or RGB picture {1, h, w, 1 or 3} with its upper left corner at pixel (left, top),
  /// `brightness` times as bright as it is. left, top ≥ 0.
  void draw_picture(ConstView picture, std::int64_t left, std::int64_t top, float brightness = 1);
  /// Whole pixels in one colour, without smooth edges.
  void fill(const Rectangle& rectangle, const Colour& colour);
  /// A ring, the middle of its line `radius` pixels from the centre.
  void draw_circle(const Point& centre, double radius, const Pen& pen);
  /// All that is within `radius` pixels of the centre; the width of the pen does not matter.
  void draw_disc(const Point& centre, double radius, const Pen& pen);
  /// From point to point, with round ends.
  void draw_line(const Point& from, const Point& to, const Pen& pen);

  Image image() const;  ///< what was drawn, 8 bits a channel

 private:
  template <typename Distance>
  void paint_around(const Point& centre, double reach, const Pen& pen, const Distance& distance);
  void blend(std::int64_t x, std::int64_t y, const Pen& pen, double distance);

  std::int64_t width_;
  std::int64_t height_;
  Tensor pixels_;
};

/// A colour for a value in [0, 1]: violet, pink, orange, yellow, each brighter than the one before,
/// so that the order shows without seeing the hues.
Colour warm_colour(double value);

}  // namespace hewn
