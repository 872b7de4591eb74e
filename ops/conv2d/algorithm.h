// Which algorithm computes which convolution. Internal: not installed.
#pragma once

#include "hewn/ops/conv2d/conv2d.h"

#include <cstdint>

namespace hewn {

/// With fewer input channels, Winograd's transforms outweigh the products that they save. Output
/// channels do not matter: every algorithm computes whole panels of them.
inline constexpr std::int64_t kEnoughInputChannels = 16;

/// params.algorithm, or else the first of an ordered list that applies to these weights: a rule on
/// shapes alone, so that every machine takes the same way. Throws Error, naming the convolution,
/// when params.algorithm cannot compute it.
Conv2dAlgorithm choose_conv2d_algorithm(const std::string& name, const Conv2dParams& params,
                                        const Shape& weights);

}  // namespace hewn
