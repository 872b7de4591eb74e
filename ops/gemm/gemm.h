// The register tile that convolutions and matrix products stand on. Internal: not installed.
#pragma once

#include "hewn/ops/gemm/epilogue.h"

#include <cstdint>

namespace hewn {

/// Weights are packed in panels of this many output channels: [panel][tap][depth][16], zero beyond
/// the last channel.
inline constexpr std::int64_t kPanel = 16;

/// One tile of output: up to `max_pixels` pixels × one or two panels of channels,
///
///     out[p][n] = epilogue(bias[n] + Σ_tap Σ_k  in[tap_offset[tap] + p·pixel_stride + k] ·
///     panel[n/16][tap][k][n%16])
///
/// The sum runs over taps, then over k, as one chain of fused multiply-adds that begins with the
/// bias: this order is the contract that makes the bits equal on every instruction set. Offsets and
/// strides count floats.
struct GemmTile {
  const float* in;
  const std::int64_t* tap_offsets;
  std::int64_t taps;
  std::int64_t depth;
  std::int64_t pixel_stride;
  const float* panels;
  std::int64_t panel_stride;  ///< taps × depth × 16
  float* out;
  std::int64_t out_stride;
  std::int64_t pixels;  ///< 1 ≤ pixels ≤ max_pixels
  std::int64_t
      channels;  ///< 1 ≤ channels ≤ 16 × max_panels; padded channels are computed, not written
  Epilogue epilogue;  ///< its pointers are at the tile's first channel and pixel
};

struct GemmKernels {
  std::int64_t max_pixels;
  std::int64_t max_panels;
  void (*tile)(const GemmTile&);
};

}  // namespace hewn
