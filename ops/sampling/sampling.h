// Weighted sums of pixels: what resize() and grid_sample() have in common. Internal: not installed.
#pragma once

#include <cstdint>

namespace hewn {

/// Taps of a bicubic sample along one axis; a bilinear one has 2, the nearest pixel 1.
inline constexpr int kMaxAxisTaps = 4;
inline constexpr int kMaxTaps = kMaxAxisTaps * kMaxAxisTaps;

/// The offset of a tap that lies outside of the picture, where all is 0.
inline constexpr std::int64_t kOutside = -1;

/// A row of samples of one picture. Tap t of sample i is `weights[t·count + i]` times the pixel
/// `offsets[t·count + i]` floats (or kOutside) behind `in`.
struct SampleRow {
  const float* in;
  const std::int64_t* offsets;
  const float* weights;
  int taps;            ///< 1, 2, 4 or 16
  std::int64_t count;  ///< samples
  float* out;
  std::int64_t out_stride;  ///< floats
  std::int64_t channels;    ///< ≥ 1
};

/// All kernels begin with the product of the first tap and go on, tap by tap in their order, with
/// fused multiply-adds.
struct SamplingKernels {
  /// out[i][c] = Σ_t weight × in[offset + c]. A weight that is NaN makes the sample NaN even
  /// outside.
  void (*sample)(const SampleRow&);
  /// out[i] = Σ_t weights[t] × rows[t][i], for 0 ≤ i < count; `taps` is 1, 2 or 4.
  void (*blend)(const float* const* rows, const float* weights, int taps, float* out,
                std::int64_t count);
};

}  // namespace hewn
