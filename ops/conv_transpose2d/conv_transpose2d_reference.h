// Transposed convolution as the definition has it: the oracle of the tests.
#pragma once

#include "hewn/ops/conv_transpose2d/conv_transpose2d.h"

#include <vector>

namespace hewn {

/// What conv_transpose2d() computes, in double, as dense NHWC values: every input pixel adds its
/// multiple of the kernel. `shape` is the shape of the result. The activation as for
/// conv2d_reference().
std::vector<double> conv_transpose2d_reference(ConstView x, const ConvTranspose2dParams& params,
                                               const Conv2dWeights& weights, const Nhwc& shape);

}  // namespace hewn
