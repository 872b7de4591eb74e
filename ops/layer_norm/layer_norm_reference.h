// Layer normalisation as the definition has it: the oracle of the tests.
#pragma once

#include "hewn/ops/layer_norm/layer_norm.h"

#include <vector>

namespace hewn {

/// What layer_norm() computes, in double, as dense NHWC values.
std::vector<double> layer_norm_reference(ConstView x, const LayerNormWeights& weights);

}  // namespace hewn
