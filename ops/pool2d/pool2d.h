// Two-dimensional pooling, as torch.nn.functional.max_pool2d and avg_pool2d.
#pragma once

#include "hewn/runtime/context.h"
#include "hewn/runtime/tensor.h"

#include <cstdint>

namespace hewn {

/// A window that slides over the padded picture. Note that PyTorch's default stride is the kernel;
/// here it is 1.
struct Pool2dParams {
  std::int64_t kernel_h = 1, kernel_w = 1;    ///< 1 … 2³¹ − 1
  std::int64_t stride_h = 1, stride_w = 1;    ///< 1 … 2³¹ − 1
  std::int64_t padding_h = 0, padding_w = 0;  ///< 0 … kernel / 2, on both sides
  /// Round the output's sides up: a last window may hang over the padded border, as long as it
  /// starts inside the picture or its left (upper) padding.
  bool ceil_mode = false;
  /// Averages only: padding counts in the divisor, as zeros; what a window covers beyond the
  /// padding never does.
  bool count_include_pad = true;
};

/// Windows of 2×2 pixels, side by side: both sides are halved.
inline constexpr Pool2dParams kHalve{.kernel_h = 2, .kernel_w = 2, .stride_h = 2, .stride_w = 2};

/// The shape of the pooled `x`. Each side is (side + 2·padding − kernel) / stride + 1, rounded down
/// or, with ceil_mode, up. Throws Error when a parameter is out of range, when h or w is 0, or when
/// no window fits into the padded picture. Empty batches and no channels are fine.
Nhwc pool2d_output_shape(const Nhwc& x, const Pool2dParams& params);

/// The largest value of each window; padding never wins. NaN in a window makes the result NaN. Of
/// +0 and −0 the first in row-major order is taken.
///
/// x: [n, h, w, c], y: pool2d_output_shape(x.shape, params). Throws Error when that shape throws or
/// y has another. y must not overlap x. The bits depend on neither threads nor instruction set.
void max_pool2d(ConstView x, const Pool2dParams& params, View y, Context& ctx);

/// The mean of each window: the sum in row-major order, rounded after each addition, divided by the
/// number of pixels that count. Shapes, errors, overlap and bits as for max_pool2d().
void avg_pool2d(ConstView x, const Pool2dParams& params, View y, Context& ctx);

}  // namespace hewn
