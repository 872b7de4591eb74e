// Kernel of layer normalisation. Internal: not installed.
#pragma once

#include "hewn/ops/elementwise/pixel_run.h"

namespace hewn {

struct LayerNormKernels {
  /// `weight` and `bias` have a value for each column; there is at least one.
  void (*layer_norm)(const PixelRun& run, const float* weight, const float* bias, float eps);
};

}  // namespace hewn
