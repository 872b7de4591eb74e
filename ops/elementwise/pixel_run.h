// What kernels that work pixel by pixel are given. Internal: not installed.
#pragma once

#include <cstdint>

namespace hewn {

/// Evenly spaced pixels of `channels` contiguous floats each; strides count floats. y may be x.
struct PixelRun {
  const float* x;
  std::int64_t x_stride;
  float* y;
  std::int64_t y_stride;
  std::int64_t pixels;
  std::int64_t channels;
};

}  // namespace hewn
