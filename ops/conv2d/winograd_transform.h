// Bᵀ and Aᵀ of Winograd's convolutions on lanes, along one axis. Internal, for *.simd.cpp only.
#pragma once

#include "hewn/ops/conv2d/winograd_points.h"
#include "hewn/runtime/isa/lanes.h"

namespace hewn::HEWN_KERNEL_ISA {

/// One axis of F(m, r). All loops have constant bounds and are unrolled, so that constants are
/// operands.
template <int m, int r>
struct WinogradAxis {
  static constexpr int kOutputs = m;
  static constexpr int kPoints = m + r - 1;
  static constexpr auto kPairs = WinogradPoints<m, r>::pairs;
  static constexpr int kPairCount = static_cast<int>(kPairs.size());
  static constexpr bool kInfinity = kPoints == 2 * kPairCount + 2;
  static_assert(kInfinity || kPoints == 2 * kPairCount + 1);

  /// v = Bᵀ d. Row ±p of Bᵀ is E ± p·O, with E and O the even and odd part of d under Π (x² − q²),
  /// q ≠ p.
  static HEWN_INLINE void transform_input(const Lanes (&d)[kPoints], Lanes (&v)[kPoints]) {
    constexpr auto all = even_polynomial(kPairs, kPairCount);
    v[0] = combine<kPairCount>(all, d, 0);
    if constexpr (kInfinity) v[kPoints - 1] = combine<kPairCount>(all, d, 1);
#pragma GCC unroll 3
    for (int i = 0; i < kPairCount; ++i) {
      const auto others = even_polynomial(kPairs, static_cast<std::size_t>(i));
      const Lanes even = combine<kPairCount - 1>(others, d, 2);
      const Lanes odd = combine<kPairCount - 1>(others, d, 1);
      const Lanes point(static_cast<float>(kPairs[static_cast<std::size_t>(i)]));
      v[2 * i + 1] = fma(point, odd, even);
      v[2 * i + 2] = fma(-point, odd, even);
    }
  }

  /// y = Aᵀ v: y_j = v₀ [j = 0] + Σ pʲ (v₊ + (−1)ʲ v₋) + v∞ [j = m − 1]. The product `missing` is
  /// taken for zero and not read.
  template <int missing>
  static HEWN_INLINE void transform_output(const Lanes (&v)[kPoints], Lanes (&y)[m]) {
    Lanes sum[kPairCount];
    Lanes difference[kPairCount];
#pragma GCC unroll 3
    for (int i = 0; i < kPairCount; ++i) {
      sum[i] = v[2 * i + 1] + v[2 * i + 2];
      difference[i] = v[2 * i + 1] - v[2 * i + 2];
    }
#pragma GCC unroll 4
    for (int j = 0; j < m; ++j) {
      const auto& part = j % 2 == 0 ? sum : difference;
      Lanes value = power(0, j) == 1 ? part[0] : part[0] * Lanes(power(0, j));
      if (j == 0 && missing != 0) value = v[0] + value;
#pragma GCC unroll 3
      for (int i = 1; i < kPairCount; ++i) value = fma(Lanes(power(i, j)), part[i], value);
      if (kInfinity && j == m - 1 && missing != kPoints - 1) value = value + v[kPoints - 1];
      y[j] = value;
    }
  }

 private:
  /// Σ_k c[k] · d[first + 2k] for k ≤ degree, whose leading coefficient is 1.
  template <int degree, typename Coefficients>
  static HEWN_INLINE Lanes combine(const Coefficients& c, const Lanes (&d)[kPoints], int first) {
    Lanes value = d[first + 2 * degree];
#pragma GCC unroll 4
    for (int k = degree - 1; k >= 0; --k) {
      value =
          fma(Lanes(static_cast<float>(c[static_cast<std::size_t>(k)])), d[first + 2 * k], value);
    }
    return value;
  }

  static constexpr float power(int pair, int exponent) {
    double value = 1;
    for (int i = 0; i < exponent; ++i) value *= kPairs[static_cast<std::size_t>(pair)];
    return static_cast<float>(value);
  }
};

/// The axis that is left alone.
template <>
struct WinogradAxis<1, 1> {
  static constexpr int kOutputs = 1;
  static constexpr int kPoints = 1;
  static HEWN_INLINE void transform_input(const Lanes (&d)[1], Lanes (&v)[1]) { v[0] = d[0]; }
  template <int missing>
  static HEWN_INLINE void transform_output(const Lanes (&v)[1], Lanes (&y)[1]) {
    y[0] = v[0];
  }
};

}  // namespace hewn::HEWN_KERNEL_ISA
