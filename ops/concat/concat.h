// Concatenation along channels, where it has to be a copy.
#pragma once

#include "hewn/runtime/context.h"
#include "hewn/runtime/tensor.h"

#include <span>

namespace hewn {

/// y = the channels of all parts side by side, as torch.cat along the channels.
///
/// The free way is to copy nothing: let each operator write its result into a slice of the wider
/// buffer, `wide.channels(begin, end)`. A slice of channels is a View for the same reason. This
/// function is for parts that exist already.
///
/// parts: [n, h, w, cᵢ] each, possibly none and possibly with cᵢ = 0; y: [n, h, w, Σcᵢ]. Throws
/// Error when a shape differs. y must not overlap a part, unless the part is the very slice of y
/// that it would be copied to. Values are copied bit by bit.
void concat_channels(std::span<const ConstView> parts, View y, Context& ctx);

}  // namespace hewn
