// Kernel of L2 normalisation. Internal: not installed.
#pragma once

#include "hewn/ops/elementwise/pixel_run.h"

namespace hewn {

struct NormalizeKernels {
  void (*l2_normalize)(const PixelRun& run, float eps);
};

}  // namespace hewn
