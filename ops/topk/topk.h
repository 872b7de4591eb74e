// The largest values of a list, as torch.topk.
#pragma once

#include "hewn/runtime/context.h"

#include <cstdint>
#include <span>

namespace hewn {

/// The k largest values, largest first, and where they stand in `values`. Of equal values (+0
/// equals −0) the one with the lower index comes first; torch.topk leaves that open. NaN counts as
/// larger than any number, as in torch.topk.
///
/// top and indices: k elements each, 0 ≤ k ≤ the number of values. Throws Error when a size is
/// wrong. The outputs must not overlap the input. Takes O(n + k log k) steps on the calling thread
/// and 16 bytes of the arena a value.
void topk(std::span<const float> values, std::int64_t k, std::span<float> top,
          std::span<std::int64_t> indices, Context& ctx);

}  // namespace hewn
