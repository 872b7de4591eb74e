// The oracle of the pooling tests.
#pragma once

#include "hewn/ops/pool2d/pool2d.h"

#include <vector>

namespace hewn {

/// max_pool2d() in plain loops, in dense NHWC order; the output's sides are counted window by
/// window.
std::vector<double> max_pool2d_reference(ConstView x, const Pool2dParams& params);

/// avg_pool2d() likewise, summed in double.
std::vector<double> avg_pool2d_reference(ConstView x, const Pool2dParams& params);

}  // namespace hewn
