// One transposed convolution as its algorithms see it. Internal: not installed.
#pragma once

#include "hewn/ops/conv2d/call.h"
#include "hewn/ops/conv_transpose2d/conv_transpose2d.h"
#include "hewn/runtime/observe/profile.h"

#include <cstdint>

namespace hewn {

/// What is asked for. Shapes are checked already, and nothing is empty.
struct ConvTranspose2dCall {
  ConstView x;
  const PackedConvTranspose2d& conv;
  View y;
  /// x and y may be rows of larger maps, from these on; y_row is a multiple of the stride, and x
  /// holds everything inside the picture that y needs.
  std::int64_t x_row = 0, y_row = 0;
};

/// Throws Error, naming the convolution, unless `got` is the shape of its output and it has weights
/// for the Context.
void check_conv_transpose2d(const PackedConvTranspose2d& conv, const Nhwc& got,
                            const Nhwc& expected, const Context& ctx);

/// Rows of y that begin at a multiple of this have the bits of the whole map.
std::int64_t conv_transpose2d_rows_of_tile(const PackedConvTranspose2d& conv, const Context& ctx);

/// What it counts as in profiles.
Work conv_transpose2d_work(const Nhwc& x, const PackedConvTranspose2d& conv, const Nhwc& y);

void conv_transpose2d_run(const ConvTranspose2dCall& call, Context& ctx);

}  // namespace hewn
