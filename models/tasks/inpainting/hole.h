// Which pixels of a picture are missing, as the functions of this folder see it.
#pragma once

#include "hewn/runtime/tensor.h"

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace hewn {

/// A set of pixels, numbered row by row.
struct Hole {
  std::int64_t h = 0;
  std::int64_t w = 0;
  std::vector<std::uint8_t> inside;  ///< h × w: 1 for a pixel of the hole, else 0
  std::int64_t count = 0;            ///< how many are 1

  std::int64_t pixels() const { return h * w; }  ///< of the picture
  /// Whether a pixel, which is not checked, is missing.
  bool contains(std::int64_t pixel) const { return inside[static_cast<std::size_t>(pixel)] != 0; }
  /// Whether there is no pixel beside it.
  bool full() const { return count == pixels(); }
};

/// Calls visit(pixel) for the neighbours above, to the left, to the right and below, as far as they
/// are in the picture.
template <typename Visit>
void for_each_neighbour(const Hole& hole, std::int64_t pixel, const Visit& visit) {
  const std::int64_t x = pixel % hole.w;
  if (pixel >= hole.w) visit(pixel - hole.w);
  if (x > 0) visit(pixel - 1);
  if (x + 1 < hole.w) visit(pixel + 1);
  if (pixel + hole.w < hole.pixels()) visit(pixel + hole.w);
}

/// The pixels where a mask is 1. Throws Error, with `what` at its beginning, unless the picture is
/// {1, h, w, c} with c ≥ 1, the mask {1, h, w, 1}, and each of its values 0 or 1.
Hole hole_of(std::string_view what, ConstView picture, ConstView mask);

/// The hole without its outermost `steps` pixels: those stay whose neighbours within `steps` in
/// both x and y are all in the hole, or outside of the picture. Erosion by a 3 × 3 square, `steps`
/// times. steps ≥ 0.
Hole eroded(const Hole& hole, std::int64_t steps);

}  // namespace hewn
