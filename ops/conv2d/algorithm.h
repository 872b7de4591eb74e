// Which algorithm computes which convolution. Internal: not installed.
#pragma once

#include "hewn/ops/conv2d/conv2d.h"

namespace hewn {

/// params.algorithm, or else the first of an ordered list that applies to these weights: a rule on
/// shapes alone, so that every machine takes the same way. Throws Error, naming the convolution,
/// when params.algorithm cannot compute it.
Conv2dAlgorithm choose_conv2d_algorithm(const std::string& name, const Conv2dParams& params,
                                        const Shape& weights);

}  // namespace hewn
