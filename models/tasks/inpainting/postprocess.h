// What is done with a completion network's output: it is joined to the picture that it completes.
#pragma once

#include "hewn/models/tasks/inpainting/poisson.h"
#include "hewn/runtime/context.h"
#include "hewn/runtime/tensor.h"

#include <cstdint>

namespace hewn {

/// What is done with a completion network's picture.
enum class Postprocess {
  none,     ///< the network's pixels in the hole, as they are
  fmm,      ///< fast marching alone; the network's output is not used
  poisson,  ///< the network's output blended into the picture, on the whole hole
  both      ///< blended into the picture filled by fast marching, on the hole's inner part
};

/// Radius of fast marching: that of the release that comes with Iizuka, Simo-Serra and Ishikawa,
/// "Globally and locally consistent image completion", 2017, section 4.3.
inline constexpr double kPostprocessRadius = 1;
/// How far inside the hole `both` begins to blend, in pixels: that of the same release.
inline constexpr std::int64_t kPostprocessErosion = 3;

/// Joins a network's output to the known pixels of a picture.
///
/// `both` is what the authors' release does. The hole is filled by fast marching, and the network's
/// gradients are blended into that on the hole without its outermost three pixels, where
/// "outermost" does not count the picture's own border. So the seam has the colours of fast
/// marching, which are those of the picture beside it, and parts of a hole that are narrower than
/// seven pixels have nothing of the network's.
///
/// picture, raw (the network's output) and y: {1, h, w, c}, c ≥ 1; mask: {1, h, w, 1}, 1 where the
/// picture is missing and 0 elsewhere; none may overlap y. The picture's own values in the hole do
/// not matter; raw must be finite. Known pixels arrive in y to the bit; in the hole y is clamped to
/// [0, 1]. A picture that is missing as a whole is raw, clamped, whatever the way.
///
/// The context's trace sees "fast_marching", the filled picture, and "poisson", the blended one
/// before it is clamped, where the way has them. Returns how the blending went; without one, an
/// empty solution. Scratch memory comes from the context's arena and from the system. Throws Error
/// for other shapes and masks.
PoissonSolution postprocess(ConstView picture, ConstView mask, ConstView raw, Postprocess way,
                            View y, Context& ctx);

}  // namespace hewn
