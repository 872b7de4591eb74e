// Loops over rows, sixteen lanes at a time. Internal, for *.simd.cpp only.
#pragma once

#include "hewn/ops/elementwise/pixel_run.h"
#include "hewn/runtime/isa/lanes.h"

namespace hewn::HEWN_KERNEL_ISA {

/// Calls step(column, lanes) for the whole vectors of a row and, where columns do not divide by 16,
/// once more for the rest.
template <typename Step>
HEWN_INLINE void for_each_vector(std::int64_t columns, Step step) {
  std::int64_t column = 0;
  for (; column + kLanes <= columns; column += kLanes) step(column, std::int64_t{kLanes});
  if (column < columns) step(column, columns - column);
}

/// y = f(x), f taking and giving Lanes.
template <typename Function>
HEWN_INLINE void map_run(const PixelRun& run, Function f) {
  for (std::int64_t p = 0; p < run.pixels; ++p) {
    const float* x = run.x + p * run.x_stride;
    float* y = run.y + p * run.y_stride;
    for_each_vector(run.channels, [&](std::int64_t column, std::int64_t lanes) {
      f(Lanes::load(x + column, lanes)).store(y + column, lanes);
    });
  }
}

}  // namespace hewn::HEWN_KERNEL_ISA
