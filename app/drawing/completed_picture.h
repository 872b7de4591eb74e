// Pictures that `complete` writes.
#pragma once

#include "hewn/runtime/pictures/image.h"
#include "hewn/runtime/tensor.h"

namespace hewn::app {

/// The picture with its hole filled from `completed`, {1, h, w, 3} of values in [0, 1]. What is
/// known keeps its values, all bits of them; the result is gray where the picture is. Its alpha
/// channel, if it has one, becomes opaque in the hole. hole: {1, h, w, 1}, 1 where missing.
Image join(const Image& picture, ConstView hole, ConstView completed);

/// Side by side: the picture as it came, what was missing in pink on a faded picture, and the
/// result.
Image draw_completion(ConstView picture, ConstView hole, ConstView completed);

}  // namespace hewn::app
