// The kernels of pooling. Internal: not installed.
#pragma once

#include <cstdint>

namespace hewn {

/// One row of output. Rows of the window outside of the picture are cut off already; columns are
/// not. Strides count floats.
struct PoolRow {
  const float* in;     ///< column 0 of the window's first row inside the picture
  std::int64_t rows;   ///< rows of the window inside the picture, ≥ 1
  std::int64_t width;  ///< columns of the picture
  std::int64_t row_stride;
  std::int64_t pixel_stride;
  std::int64_t kernel_w, stride_w, padding_w;
  float* out;
  std::int64_t out_width;
  std::int64_t out_stride;
  std::int64_t channels;
  std::int64_t counted_rows;  ///< averages: rows of the window that count in the divisor
  bool count_include_pad;     ///< averages: so do columns of the padding
};

struct Pool2dKernels {
  void (*max_row)(const PoolRow&);
  void (*avg_row)(const PoolRow&);
  /// out[i] = the larger of a[i] and b[i], for 0 ≤ i < count; a[i] when they are equal, NaN when
  /// either is. `out` may be `a`, and `b` may lie ahead of `a` in one array.
  void (*maximum)(const float* a, const float* b, float* out, std::int64_t count);
};

}  // namespace hewn
