// What a convolution counts as in profiles. Internal: not installed.
#pragma once

#include "hewn/ops/conv2d/conv2d.h"
#include "hewn/runtime/observe/profile.h"

namespace hewn {

/// The work of y = conv(x), counted as the direct sum whatever the algorithm.
inline Work conv2d_work(const Nhwc& x, const PackedConv2d& conv, const Nhwc& y) {
  const auto taps = static_cast<double>(conv.kernel_h() * conv.kernel_w() * conv.in_channels() /
                                        conv.params().groups);
  const double macs = static_cast<double>(y.count()) * taps;
  const double weights = taps * static_cast<double>(conv.out_channels());
  return {2 * macs, 4 * (static_cast<double>(x.count() + y.count()) + weights)};
}

}  // namespace hewn
