// The product of matrices as the definition has it: the oracle of the tests.
#pragma once

#include "hewn/ops/matmul/matmul.h"

#include <vector>

namespace hewn {

/// What matmul() computes, in double, as dense values of the result's shape.
std::vector<double> matmul_reference(ConstView a, ConstView b, const MatmulParams& params = {});

}  // namespace hewn
