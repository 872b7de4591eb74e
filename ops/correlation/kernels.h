// Kernels of the correlation lookup. Internal: not installed.
#pragma once

#include <cstdint>

namespace hewn {

/// A window of (2·radius + 2)² products becomes (2·radius + 1)² samples: all lie at the same place
/// between the pixels. Strides count floats.
struct CorrelationWindow {
  const float* products;  ///< [2·radius + 2][2·radius + 2], columns of the level first
  std::int64_t column_stride;
  std::int64_t radius;
  float fraction_x, fraction_y;  ///< of the place, in [0, 1)
  float* out;
};

/// Dot products of one feature vector with `count` others.
struct CorrelationProducts {
  const float* feature;
  const float* others;
  std::int64_t stride;  ///< between the others
  std::int64_t count;
  std::int64_t channels;
  float* out;
};

struct CorrelationKernels {
  void (*sample)(const CorrelationWindow&);
  void (*dot)(const CorrelationProducts&);
};

}  // namespace hewn
