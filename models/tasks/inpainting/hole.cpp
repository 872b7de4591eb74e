#include "hewn/models/tasks/inpainting/hole.h"

#include "hewn/runtime/error.h"

#include <algorithm>

namespace hewn {

namespace {

/// Whether the square of pixels within `steps`, as far as it is in the picture, is in the hole.
bool surrounded(const Hole& hole, std::int64_t pixel, std::int64_t steps) {
  const std::int64_t row = pixel / hole.w;
  const std::int64_t column = pixel % hole.w;
  for (std::int64_t y = std::max<std::int64_t>(row - steps, 0);
       y <= std::min(row + steps, hole.h - 1); ++y) {
    for (std::int64_t x = std::max<std::int64_t>(column - steps, 0);
         x <= std::min(column + steps, hole.w - 1); ++x) {
      if (!hole.contains(y * hole.w + x)) return false;
    }
  }
  return true;
}

}  // namespace

Hole hole_of(std::string_view what, ConstView picture, ConstView mask) {
  const Nhwc& s = picture.shape;
  require(s.n == 1 && s.c >= 1, what, ": expected a picture [n 1, h, w, c 1 or more], got ", s);
  require(mask.shape == Nhwc{1, s.h, s.w, 1}, what, ": expected a mask of ", Nhwc{1, s.h, s.w, 1},
          ", got ", mask.shape);
  Hole hole{s.h, s.w, std::vector<std::uint8_t>(static_cast<std::size_t>(s.pixels()))};
  for (std::int64_t i = 0; i < hole.pixels(); ++i) {
    const float value = *mask.pixel(0, 0, i);
    require(value == 0 || value == 1, what, ": expected a mask of 0 and 1, got ", value, " at x ",
            i % s.w, ", y ", i / s.w);
    hole.inside[static_cast<std::size_t>(i)] = value == 1 ? 1 : 0;
    hole.count += value == 1 ? 1 : 0;
  }
  return hole;
}

Hole eroded(const Hole& hole, std::int64_t steps) {
  Hole result = hole;
  for (std::int64_t i = 0; i < hole.pixels(); ++i) {
    if (!hole.contains(i) || surrounded(hole, i, steps)) continue;
    result.inside[static_cast<std::size_t>(i)] = 0;
    --result.count;
  }
  return result;
}

}  // namespace hewn
