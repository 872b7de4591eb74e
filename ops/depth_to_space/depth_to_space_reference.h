// The oracle of the depth-to-space tests.
#pragma once

#include "hewn/ops/depth_to_space/depth_to_space.h"

#include <vector>

namespace hewn {

/// depth_to_space() as torch.pixel_shuffle is documented, by way of a six-dimensional array, in
/// dense NHWC order.
std::vector<double> depth_to_space_reference(ConstView x, std::int64_t block);

}  // namespace hewn
