// Pictures whose sides RAFT's encoders can halve three times.
#pragma once

#include "hewn/runtime/tensor.h"

#include <cstdint>

namespace hewn {

/// Where the rows and columns go that a picture lacks to multiples of 8.
enum class RaftPaddingWay {
  sintel,  ///< to both sides, the odd one to the right and below
  kitti,   ///< columns likewise, rows below only
};

/// Pixels around a picture that repeat its border, as the public code has them for each benchmark.
struct RaftPadding {
  std::int64_t left = 0, right = 0, top = 0, bottom = 0;

  /// What a picture of h × w pixels lacks; h, w ≥ 1.
  RaftPadding(std::int64_t h, std::int64_t w, RaftPaddingWay way);

  /// The padded picture {n, h + top + bottom, w + left + right, c}.
  Tensor pad(ConstView picture) const;
  /// y = the pixels of x that are not padding. Throws Error unless x has y's shape and the padding
  /// around it.
  void crop(ConstView x, View y) const;
};

}  // namespace hewn
