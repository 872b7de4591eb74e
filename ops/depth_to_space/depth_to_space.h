// Depth to space, as torch.pixel_shuffle: channels become pixels.
#pragma once

#include "hewn/runtime/context.h"
#include "hewn/runtime/tensor.h"

#include <cstdint>

namespace hewn {

/// The shape of the result: {n, h·block, w·block, c / block²}. Throws Error unless block ≥ 1 and
/// block² divides c.
Nhwc depth_to_space_output_shape(const Nhwc& x, std::int64_t block);

/// y(n, h·block + dy, w·block + dx, k) = x(n, h, w, (k·block + dy)·block + dx), for 0 ≤ dy, dx <
/// block: the channel order of torch.pixel_shuffle.
///
/// x: [n, h, w, c], y: depth_to_space_output_shape(x.shape, block). Throws Error when that shape
/// throws or y has another. y must not overlap x. Values are copied bit by bit.
void depth_to_space(ConstView x, std::int64_t block, View y, Context& ctx);

}  // namespace hewn
