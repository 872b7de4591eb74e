// Loops over rows, sixteen lanes at a time. Internal, for *.simd.cpp only.
#pragma once

#include "hewn/ops/elementwise/rows.h"
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
HEWN_INLINE void map_rows(const Rows& rows, Function f) {
  for (std::int64_t row = 0; row < rows.count; ++row) {
    const float* x = rows.x + row * rows.x_stride;
    float* y = rows.y + row * rows.y_stride;
    for_each_vector(rows.columns, [&](std::int64_t column, std::int64_t lanes) {
      f(Lanes::load(x + column, lanes)).store(y + column, lanes);
    });
  }
}

}  // namespace hewn::HEWN_KERNEL_ISA
