// Sampling a picture at given positions, as torch.nn.functional.grid_sample in two dimensions.
#pragma once

#include "hewn/runtime/context.h"
#include "hewn/runtime/tensor.h"

namespace hewn {

/// The parameters of torch.nn.functional.grid_sample.
struct GridSampleParams {
  /// What is between pixels.
  enum class Mode {
    bilinear,  ///< a tent over 2 × 2 pixels
    nearest,   ///< the nearest pixel; halfway, the even one
    bicubic,   ///< Keys' cubic convolution with a = −0.75 over 4 × 4 pixels
  };
  /// What lies outside of the picture.
  enum class Padding {
    zeros,       ///< nothing: 0
    border,      ///< the nearest pixel of the border
    reflection,  ///< the picture mirrored, at its border pixels' centres with align_corners, else
                 ///< at their outer edges
  };
  Mode mode = Mode::bilinear;
  Padding padding = Padding::zeros;
  /// Whether −1 and 1 are the centres of the border pixels, or their outer edges.
  bool align_corners = false;
};

/// y(n, i, j, c) = image n of x, channel c, sampled at grid(n, i, j) = (horizontal, vertical), each
/// −1 at the left (upper) end of the picture and 1 at the right (lower) one.
///
/// x: [n, h, w, c] with h, w ≥ 1, grid: [n, h', w', 2], y: [n, h', w', c]. Throws Error when a
/// shape is wrong. y must overlap neither x nor grid.
///
/// Any grid value is safe. As PyTorch's vectorised CPU code has it, a position that is NaN, or
/// infinite after scaling, gives NaN with zeros (nearest: 0) and with bicubic; with border, and
/// bilinear or nearest, NaN counts as the first pixel and infinities as the border's; with
/// reflection both count as the first. A weight of 0 does not hide NaN or infinity of a pixel
/// inside the picture. Each output is one chain of fused multiply-adds over the taps in row-major
/// order: the bits depend on neither threads nor instruction set (SSE4.2 apart).
void grid_sample(ConstView x, ConstView grid, const GridSampleParams& params, View y, Context& ctx);

}  // namespace hewn
