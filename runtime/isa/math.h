// exp, tanh, sigmoid and erf on lanes: our own polynomials, so that every machine gives the same
// bits. Internal, for *.simd.cpp only.
//
// Errors are bounds over all floats, in units in the last place of the exact result; SSE4.2, which
// rounds products too, reaches 2.7 for tanh and 1.5 for erf. docs/numerics.md says how the
// polynomials were fitted, tests/ops/elementary_functions_test.cpp holds the bounds.
#pragma once

#include "hewn/runtime/isa/lanes.h"

namespace hewn::HEWN_KERNEL_ISA {

/// c[0] + c[1]·x + … + c[count − 1]·x^(count − 1), by Horner's rule.
template <int count>
HEWN_INLINE Lanes polynomial(const Lanes& x, const float (&c)[count]) {
  Lanes sum(c[count - 1]);
#pragma GCC unroll 16
  for (int i = count - 2; i >= 0; --i) sum = fma(sum, x, Lanes(c[i]));
  return sum;
}

/// x = n·ln 2 + r with an integer n and |r| ≤ ln 2 / 2, and eʳ − 1.
struct ReducedExp {
  Lanes n;
  Lanes expm1_r;
};

/// For |x| ≤ 2²¹; a NaN stays NaN in expm1_r.
HEWN_INLINE ReducedExp reduce_exp(const Lanes& x) {
  constexpr float kLog2E = 1.4426950408889634F;
  constexpr float kRound = 12582912.0F;  // 1.5 × 2²³: a sum of this magnitude is an integer
  // ln 2 in two parts, the first so short that n times it is exact.
  constexpr float kLn2High = 0.693359375F;
  constexpr float kLn2Low = -2.12194440054690583e-4F;
  const Lanes n = fma(x, Lanes(kLog2E), Lanes(kRound)) - Lanes(kRound);
  const Lanes r = fma(n, Lanes(-kLn2Low), fma(n, Lanes(-kLn2High), x));
  // eʳ = 1 + r + r²·q(r)
  constexpr float kQ[] = {0.49999997F, 0.16666533F, 0.041667592F, 0.0083675608F, 0.0013856654F};
  return {n, fma(r * r, polynomial(r, kQ), r)};
}

/// eˣ within 1.1 ulp, denormal results included; infinity above 88.72, zero below −103.97.
HEWN_INLINE Lanes exp(const Lanes& x) {
  // Compared these ways round, NaN passes. Where the result is 0, what is computed is 1: a product
  // that underflows would take some hundred cycles on many machines, and softmax is full of them.
  const Mask vanishes = x < Lanes(-104.0F);
  const Lanes above = select(vanishes, Lanes(0), x);
  const auto [n, expm1_r] = reduce_exp(select(above > Lanes(89.0F), Lanes(89.0F), above));
  return select(vanishes, Lanes(0), scale_by_exp2(expm1_r + Lanes(1), n));
}

/// 1 / (1 + e⁻ˣ) within 2.5 ulp, denormal results included.
HEWN_INLINE Lanes sigmoid(const Lanes& x) {
  const Lanes e = exp(-abs(x));  // never overflows, and is the numerator where x is negative
  return select(x < Lanes(0), e, Lanes(1)) / (e + Lanes(1));
}

/// tanh x within 2.6 ulp; ±1 from ±9.02 on, x itself where x is tiny.
HEWN_INLINE Lanes tanh(const Lanes& x) {
  // With m = e^(2|x|) − 1, tanh |x| is m / (m + 2): nothing cancels when x is small.
  constexpr float kSaturated = 18.04F;
  const Lanes twice = abs(x) * Lanes(2);
  const auto [n, expm1_r] = reduce_exp(select(twice > Lanes(kSaturated), Lanes(kSaturated), twice));
  const Lanes power = exp2_integer(n);
  const Lanes m = fma(expm1_r, power, power - Lanes(1));
  return copysign(m / (m + Lanes(2)), x);
}

/// erf x within 1.2 ulp; ±1 from ±4 on.
HEWN_INLINE Lanes erf(const Lanes& x) {
  constexpr float kJoin = 0.875F;
  constexpr float kSaturated = 4.0F;
  // Up to kJoin, erf x = x + x·p(x²).
  constexpr float kP[] = {0.12837915F,   -0.37612507F,  0.11281963F,
                          -0.026772279F, 0.0050020209F, -0.00060388056F};
  const Lanes near = fma(x, polynomial(x * x, kP), x);
  // Beyond, erf |x| = 1 − e^(−q(|x|)), where q is the negative logarithm of erfc.
  constexpr float kQ[] = {0.00013357488F, 1.1279361F,    0.63673723F,    0.10432752F,
                          -0.022420239F,  0.0030923022F, -0.00020100801F};
  const Lanes magnitude = abs(x);
  const Lanes bounded = select(magnitude > Lanes(kSaturated), Lanes(kSaturated), magnitude);
  const auto [n, expm1_r] = reduce_exp(-polynomial(bounded, kQ));
  const Lanes far = Lanes(1) - (expm1_r + Lanes(1)) * exp2_integer(n);
  return select(magnitude < Lanes(kJoin), near, copysign(far, x));
}

}  // namespace hewn::HEWN_KERNEL_ISA
