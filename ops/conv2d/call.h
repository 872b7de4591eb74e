// One convolution as its algorithms see it. Internal: not installed.
#pragma once

#include "hewn/ops/conv2d/conv2d.h"

#include <cstdint>
#include <optional>

namespace hewn {

/// What an algorithm is asked for. Shapes are checked already, and nothing is empty.
///
/// x and y may be windows of rows of taller maps: then padding_top is the padding as seen from the
/// window, which may be negative, and x holds every row inside the picture that y needs. Rows
/// outside of x count as zeros.
struct Conv2dCall {
  ConstView x;
  const PackedConv2d& conv;
  View y;
  std::optional<ConstView> residual = std::nullopt;
  std::int64_t padding_top = conv.params().padding_h;
  bool max_pool =
      false;  ///< y is the 2×2 max-pooled result; conv2d_winograd() without dilation only
};

}  // namespace hewn
