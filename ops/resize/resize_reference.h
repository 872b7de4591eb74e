// The oracle of the resize tests.
#pragma once

#include "hewn/ops/resize/resize.h"

#include <vector>

namespace hewn {

/// resize() to {h, w} in double, tap by tap in two dimensions, in dense NHWC order. Only the
/// position of nearest is float32, which is part of its definition.
std::vector<double> resize_reference(ConstView x, const ResizeParams& params, std::int64_t h,
                                     std::int64_t w);

}  // namespace hewn
