// RAFT's correlation lookup as the paper has it: the oracle of the tests.
#pragma once

#include "hewn/ops/correlation/correlation.h"

#include <vector>

namespace hewn {

/// What Correlation::lookup() computes, in double, as dense NHWC values: the correlations of all
/// pairs, averaged over 2×2 pixels level by level, and sampled.
std::vector<double> correlation_reference(ConstView features1, ConstView features2, ConstView flow,
                                          const CorrelationParams& params);

}  // namespace hewn
