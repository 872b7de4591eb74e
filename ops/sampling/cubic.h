// Cubic convolution (R. Keys, "Cubic convolution interpolation for digital image processing",
// 1981). Internal: not installed.
#pragma once

namespace hewn {

/// The weights of the pixels at −1, 0, 1 and 2 for a position `t` in [0, 1) between 0 and 1, with
/// a = −0.75 as in PyTorch (Keys' own choice was −0.5). NaN gives NaN.
inline void cubic_weights(float t, float weights[4]) {
  constexpr float a = -0.75F;
  const auto near = [](float d) { return ((a + 2) * d - (a + 3)) * d * d + 1; };       // d ≤ 1
  const auto far = [](float d) { return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a; };  // 1 ≤ d ≤ 2
  weights[0] = far(t + 1);
  weights[1] = near(t);
  weights[2] = near(1 - t);
  weights[3] = far(2 - t);
}

}  // namespace hewn
