// Max-pooling with stride 1: large windows at a cost that hardly grows with the window. Internal:
// not installed.
#pragma once

#include "hewn/ops/pool2d/pool2d.h"

namespace hewn {

/// Whether max_pool2d_sliding() applies: stride 1 both ways, and a window within the picture, which
/// bounds the scratch memory by the size of the picture.
bool is_sliding(const Nhwc& x, const Pool2dParams& params);

/// max_pool2d() where is_sliding() holds. Shapes are checked already, and nothing is empty.
void max_pool2d_sliding(ConstView x, const Pool2dParams& params, View y, Context& ctx);

}  // namespace hewn
