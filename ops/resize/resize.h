// Resizing pictures and maps, as torch.nn.functional.interpolate.
#pragma once

#include "hewn/runtime/context.h"
#include "hewn/runtime/tensor.h"

#include <cstdint>
#include <optional>

namespace hewn {

/// The parameters of torch.nn.functional.interpolate.
struct ResizeParams {
  /// What is between pixels.
  enum class Mode {
    nearest,   ///< PyTorch's "nearest": the pixel at ⌊position⌋, not "nearest-exact"
    bilinear,  ///< a tent over 2 × 2 pixels
    bicubic,   ///< Keys' cubic convolution with a = −0.75 over 4 × 4 pixels
  };
  Mode mode = Mode::bilinear;
  /// Whether corner pixels keep their places, in place of the picture's borders. No meaning for
  /// nearest.
  bool align_corners = false;
  /// Output pixels an input pixel, > 0 and finite, as interpolate(scale_factor=…) without
  /// recompute_scale_factor: positions are computed with it and not with the ratio of the sides.
  std::optional<double> scale_h = std::nullopt, scale_w = std::nullopt;
};

/// {n, ⌊h·scale_h⌋, ⌊w·scale_w⌋, c}; a side without scale stays. Throws Error when a scale is out
/// of range or a side would come out 0 or beyond 2³¹ − 1.
Nhwc resize_output_shape(const Nhwc& x, const ResizeParams& params);

/// y = x interpolated to y's height and width.
///
/// x: [n, h, w, c], y: [n, h', w', c] with all of h, w, h', w' ≥ 1. Throws Error when n or c
/// differ, a side is 0, or a scale is given that does not lead from x's side to y's. y must not
/// overlap x.
///
/// Positions are computed in float32, step by step as PyTorch's CPU code does, so that nearest
/// takes the very same pixels; that includes its rule that nearest and bilinear leave an axis alone
/// when the sides are equal, whatever the scale, and that nearest doubles a side exactly. Beyond
/// the border the border's pixel stands (replicated). A weight of 0 does not hide NaN or infinity,
/// as in PyTorch. Rows are combined first, then columns, each as one chain of fused multiply-adds:
/// the bits depend on neither threads nor instruction set (SSE4.2 apart).
void resize(ConstView x, const ResizeParams& params, View y, Context& ctx);

}  // namespace hewn
