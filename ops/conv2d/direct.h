// Direct convolution: an implicit matrix product over the taps of the kernel. Internal: not
// installed.
#pragma once

#include "hewn/ops/conv2d/conv2d.h"

namespace hewn {

/// conv2d() by the direct algorithm, for any parameters. Shapes are checked already, and nothing is
/// empty.
void conv2d_direct(ConstView x, const PackedConv2d& conv, View y, Context& ctx,
                   std::optional<ConstView> residual);

}  // namespace hewn
