// Direct convolution: an implicit matrix product over the taps of the kernel. Internal: not
// installed.
#pragma once

#include "hewn/ops/conv2d/call.h"

namespace hewn {

/// conv2d() by the direct algorithm, for any parameters.
void conv2d_direct(const Conv2dCall& call, Context& ctx);

}  // namespace hewn
