// Pictures that measurements draw for themselves.
#pragma once

#include "hewn/runtime/pictures/geometry.h"
#include "hewn/runtime/tensor.h"

#include <cstdint>

namespace hewn::app {

/// {1, h, w, 3}: discs over each other, in random colours, `shift` pixels further right than
/// without.
Tensor draw_discs(const PictureSize& size, std::int64_t shift = 0);

}  // namespace hewn::app
