// Kernel of softmax. Internal: not installed.
#pragma once

#include "hewn/ops/elementwise/rows.h"

namespace hewn {

struct SoftmaxKernels {
  void (*softmax)(const Rows& rows);
};

}  // namespace hewn
