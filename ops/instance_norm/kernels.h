// Kernels of instance normalisation. Internal: not installed.
#pragma once

#include "hewn/ops/activation/activation.h"
#include "hewn/ops/elementwise/pixel_run.h"

#include <cstdint>

namespace hewn {

/// Pixels whose moments are taken. Strides count floats.
struct Moments {
  const float* x;
  std::int64_t pixel_stride;
  std::int64_t pixels;  ///< ≥ 1
  std::int64_t channels;
  float* mean;        ///< of each channel
  float* deviations;  ///< Σ (x − mean)² of each channel
};

/// y = activation((x − mean) · factor + before) + after on pixels.
struct InstanceNormRun {
  PixelRun run;
  const float* mean;
  const float* factor;
  Activation activation;
  const float* before;  ///< null when absent
  std::int64_t before_stride;
  const float* after;  ///< null when absent
  std::int64_t after_stride;
};

struct InstanceNormKernels {
  void (*moments)(const Moments&);
  void (*normalize)(const InstanceNormRun&);
};

}  // namespace hewn
