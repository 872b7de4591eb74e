// What the kernels of operators without neighbours work on. Internal: not installed.
#pragma once

#include <cstdint>

namespace hewn {

/// `count` rows of `columns` contiguous floats each; strides count floats from row to row. y may be
/// x.
struct Rows {
  const float* x;
  std::int64_t x_stride;
  float* y;
  std::int64_t y_stride;
  std::int64_t count;
  std::int64_t columns;
};

}  // namespace hewn
