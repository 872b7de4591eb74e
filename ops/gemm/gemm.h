// The register tile that convolutions and matrix products stand on. Internal: not installed.
#pragma once

#include "hewn/ops/gemm/epilogue.h"

#include <cstdint>

namespace hewn {

/// Weights are packed in panels of this many output channels: [panel][tap][depth][16], zero beyond
/// the last channel.
inline constexpr std::int64_t kPanel = 16;

/// How many products are summed in one chain before the chain is added to the total: few enough for
/// errors of PyTorch's size (README.md of conv2d), enough for the additions not to be felt.
inline constexpr std::int64_t kRun = 128;

/// One tile of output: up to `max_pixels` pixels × one to three panels of channels,
///
///     x = in + tap_offset[tap] + p·pixel_stride
///     out[p][n] = epilogue(bias[n] + Σ_tap Σ_k x[k] · panel[n / 16][tap][k][n % 16])
///
/// The products, over taps and then over k, fall into runs of `run` whatever the taps. A run is one
/// chain of fused multiply-adds that begins with zero, and the runs are added to the bias one after
/// the other. This order is the contract that makes the bits equal on every instruction set; the
/// runs keep rounding errors from growing with the length of the whole sum (blocked summation:
/// Higham, "Accuracy and Stability of Numerical Algorithms", 2002, section 4.3). Offsets and
/// strides count floats.
struct GemmTile {
  const float* in;
  const std::int64_t* tap_offsets;
  std::int64_t taps;
  std::int64_t depth;
  std::int64_t run = kRun;
  std::int64_t pixel_stride;
  const float* panels;
  std::int64_t panel_stride;  ///< taps × depth × 16
  float* out;
  std::int64_t out_stride;
  std::int64_t pixels;  ///< 1 ≤ pixels ≤ max_pixels
  /// 1 ≤ channels ≤ 16 × max_panels, or 16 × wide_panels with at most wide_pixels; padded channels
  /// are computed, not written
  std::int64_t channels;
  Epilogue epilogue;  ///< its pointers are at the tile's first channel and pixel
};

struct GemmKernels {
  std::int64_t max_pixels;
  std::int64_t max_panels;
  /// Another shape of tile, of as many pixels at most when it has so many panels: for products with
  /// many panels, since it reads memory less often.
  std::int64_t wide_pixels;
  std::int64_t wide_panels;
  void (*tile)(const GemmTile&);
  /// The epilogue of sums [pixels][panels][16] that something else has made, bias and all: of the
  /// tile's fields, `out`, `pixels`, `channels` and the epilogue are looked at.
  void (*finish)(const GemmTile& tile, const float* sums, int panels);
};

}  // namespace hewn
