// From a picture as stored to what the image tower takes.
#pragma once

#include "hewn/runtime/context.h"
#include "hewn/runtime/pictures/image.h"
#include "hewn/runtime/tensor.h"

#include <array>
#include <cstdint>

namespace hewn {

/// What a checkpoint expects of its pictures.
struct Preprocessing {
  std::int64_t size = 224;            ///< both sides of the tower's input, ≥ 1
  std::array<float, 3> mean{};        ///< of red, green and blue in [0, 1]
  std::array<float, 3> std{1, 1, 1};  ///< > 0
};

/// y = the middle of the picture, its shorter side resized to p.size and the longer one cut, less
/// the mean, over the standard deviation: one image of the tower's batch, y {1, size, size, 3}.
///
/// As torchvision's Compose of Resize(size, BICUBIC), CenterCrop(size), ToTensor and
/// Normalize(mean, std) on a picture of Pillow's that is RGB already, to the bit: the longer side
/// becomes int(size * longer / shorter), the crop begins at round((side - size) / 2), halves to the
/// even pixel, and pillow_resize() says how values are computed. Gray is repeated, alpha ignored,
/// and 16 bits are cut to 8. A side may be as short as 1 and as long as a picture's can be.
///
/// Throws Error when the image's fields do not agree with each other, when it has no pixel, when
/// size or a standard deviation is out of range, or when y has another shape.
void preprocess(const Image& picture, const Preprocessing& p, View y, Context& ctx);

}  // namespace hewn
