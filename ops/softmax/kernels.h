// Kernel of softmax. Internal: not installed.
#pragma once

#include "hewn/ops/elementwise/pixel_run.h"

namespace hewn {

struct SoftmaxKernels {
  void (*softmax)(const PixelRun& run);
};

}  // namespace hewn
