// The oracle of the grid-sampling tests.
#pragma once

#include "hewn/ops/grid_sample/grid_sample.h"

#include <vector>

namespace hewn {

/// grid_sample() for finite grids, in double and in dense NHWC order: plain interpolation in a
/// picture that goes on for ever, as the padding says.
std::vector<double> grid_sample_reference(ConstView x, ConstView grid,
                                          const GridSampleParams& params);

}  // namespace hewn
