// L2 normalisation as the definition has it: the oracle of the tests.
#pragma once

#include "hewn/runtime/tensor.h"

#include <vector>

namespace hewn {

/// What l2_normalize() computes, in double, as dense NHWC values.
std::vector<double> l2_normalize_reference(ConstView x, double eps);

}  // namespace hewn
