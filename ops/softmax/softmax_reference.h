// Softmax as the definition has it: the oracle of the tests.
#pragma once

#include "hewn/runtime/tensor.h"

#include <vector>

namespace hewn {

/// What softmax() computes, in double, as dense NHWC values.
std::vector<double> softmax_reference(ConstView x);

}  // namespace hewn
