// The kernel of convex upsampling. Internal: not installed.
#pragma once

#include <cstdint>

namespace hewn {

/// One coarse pixel.
struct ConvexUpsamplePixel {
  const float* logits;  ///< 9 × fine
  float neighbours[9][2];
  std::int64_t fine;  ///< factor²
  float* x;           ///< the fine vectors, one array for each component
  float* y;
};

struct ConvexUpsampleKernels {
  void (*pixel)(const ConvexUpsamplePixel&);
};

}  // namespace hewn
