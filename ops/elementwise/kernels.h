// Kernels of the elementwise operators. Internal: not installed.
#pragma once

#include "hewn/ops/elementwise/elementwise.h"
#include "hewn/ops/elementwise/pixel_run.h"

namespace hewn {

struct ElementwiseKernels {
  void (*unary)(UnaryOp op, const PixelRun& run);
  /// y = x op b. b_stride is 0 where every row has the same b.
  void (*binary)(BinaryOp op, const PixelRun& run, const float* b, std::int64_t b_stride);
};

}  // namespace hewn
