// Convolution as the definition has it: the oracle of the tests.
#pragma once

#include "hewn/ops/conv2d/conv2d.h"

#include <vector>

namespace hewn {

/// What conv2d() computes, in double, as dense NHWC values. `shape` is the shape of the result. The
/// activation must be none, relu, leaky_relu, sigmoid or tanh.
std::vector<double> conv2d_reference(ConstView x, const Conv2dParams& params,
                                     const Conv2dWeights& weights, const Nhwc& shape,
                                     const Addends& addends = {});

}  // namespace hewn
