// Masks of missing pixels.
#pragma once

#include "hewn/runtime/tensor.h"

#include <cstdint>

#include "tests/support/random.h"

namespace hewn::test {

/// A mask {1, h, w, 1}: 1 where missing(y, x), else 0.
template <typename Missing>
Tensor mask_where(std::int64_t h, std::int64_t w, const Missing& missing) {
  Tensor mask({1, h, w, 1});
  for (std::int64_t y = 0; y < h; ++y) {
    for (std::int64_t x = 0; x < w; ++x) *mask.view().pixel(0, y, x) = missing(y, x) ? 1.0F : 0.0F;
  }
  return mask;
}

/// Each pixel for itself, with the given probability.
Tensor mask_of_dots(Random& random, std::int64_t h, std::int64_t w, double share);

/// Four rectangles with sides from 1 to 9, some of which overlap or are cut off by the border.
Tensor mask_of_blocks(Random& random, std::int64_t h, std::int64_t w);

/// Whether pixel i, counted row by row, is missing.
inline bool missing(const Tensor& mask, std::int64_t i) { return *mask.view().pixel(0, 0, i) == 1; }

}  // namespace hewn::test
