// Points, sizes and rectangles on pictures.
#pragma once

#include <cstdint>

namespace hewn {

/// A point of a picture, in pixels; whole numbers are the centres of pixels.
struct Point {
  double x = 0;
  double y = 0;
};

/// Both sides of a picture, in pixels.
struct PictureSize {
  std::int64_t height = 0;
  std::int64_t width = 0;
};

/// Whole pixels: rows [top, bottom()) and columns [left, right()).
struct Rectangle {
  std::int64_t top = 0;
  std::int64_t left = 0;
  std::int64_t height = 0;
  std::int64_t width = 0;

  std::int64_t bottom() const { return top + height; }  ///< the first row below
  std::int64_t right() const { return left + width; }   ///< the first column to the right

  /// Rows [top, bottom) and columns [left, right).
  static Rectangle of_sides(std::int64_t top, std::int64_t left, std::int64_t bottom,
                            std::int64_t right) {
    return {top, left, bottom - top, right - left};
  }
};

}  // namespace hewn
