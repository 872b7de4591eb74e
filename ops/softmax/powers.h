// The part of softmax that attention shares. Internal, for *.simd.cpp only.
#pragma once

#include "hewn/ops/elementwise/map.h"
#include "hewn/runtime/isa/math.h"

namespace hewn::HEWN_KERNEL_ISA {

// What stands in the lanes beyond the last column: it is never the largest, and its power is 0.
inline constexpr float kAbsent = -std::numeric_limits<float>::infinity();

/// The largest of a row; may miss a NaN, which then makes the sum of powers NaN.
HEWN_INLINE float largest_of(const float* x, std::int64_t columns) {
  Lanes largest(kAbsent);
  for_each_vector(columns, [&](std::int64_t column, std::int64_t lanes) {
    const Lanes v = Lanes::load(x + column, lanes, kAbsent);
    largest = select(largest < v, v, largest);
  });
  return reduce_max(largest);
}

/// y = exp(scale · (x − the largest)) of a row, and their sum over 16 fixed lanes. y may be x.
HEWN_INLINE float powers_of_row(const float* x, float* y, std::int64_t columns, float scale) {
  const Lanes largest(largest_of(x, columns));
  Lanes sums(0);
  for_each_vector(columns, [&](std::int64_t column, std::int64_t lanes) {
    const Lanes power = exp((Lanes::load(x + column, lanes, kAbsent) - largest) * Lanes(scale));
    power.store(y + column, lanes);
    sums = sums + power;
  });
  return reduce_add(sums);
}

/// y /= divisor, for a row.
HEWN_INLINE void divide_row(float* y, std::int64_t columns, float divisor) {
  for_each_vector(columns, [&](std::int64_t column, std::int64_t lanes) {
    (Lanes::load(y + column, lanes) / Lanes(divisor)).store(y + column, lanes);
  });
}

}  // namespace hewn::HEWN_KERNEL_ISA
