// Instance normalisation as the definition has it: the oracle of the tests.
#pragma once

#include "hewn/ops/instance_norm/instance_norm.h"

#include <vector>

namespace hewn {

/// What instance_norm() computes, in double, as dense NHWC values. The activation must be one that
/// activate_reference() knows.
std::vector<double> instance_norm_reference(ConstView x, const InstanceNormParams& params,
                                            const Addends& addends = {});

}  // namespace hewn
