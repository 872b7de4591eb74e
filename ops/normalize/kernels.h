// Kernel of L2 normalisation. Internal: not installed.
#pragma once

#include "hewn/ops/elementwise/rows.h"

namespace hewn {

struct NormalizeKernels {
  void (*l2_normalize)(const Rows& rows, float eps);
};

}  // namespace hewn
