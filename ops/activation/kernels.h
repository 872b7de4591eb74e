// Kernels of the activation functions. Internal: not installed.
#pragma once

#include "hewn/ops/activation/activation.h"
#include "hewn/ops/elementwise/pixel_run.h"

namespace hewn {

struct ActivationKernels {
  void (*activate)(const Activation& activation, const PixelRun& run);
};

}  // namespace hewn
