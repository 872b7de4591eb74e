// Sixteen float lanes: the one vector type that every kernel is written on. Internal, for
// *.simd.cpp only.
//
// The number of lanes is fixed, whatever the width of the registers: one register with AVX-512, two
// with AVX2, four with SSE4.2 and NEON, sixteen plain floats without. A kernel therefore groups and
// orders its arithmetic in the same way everywhere, which is how the same bits come out everywhere
// (docs/numerics.md).
//
// This header is compiled with wide-vector flags. All that it and a *.simd.cpp define lives in a
// namespace named after the instruction set, or is internal to the file, so that the linker can
// never hand a function with wide instructions to a lesser machine.
#pragma once

#include "hewn/runtime/dtype.h"
#include "hewn/runtime/isa/kernels.h"

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

#include <xsimd/xsimd.hpp>

// Kernels must be one straight run of instructions, at every level of optimisation.
#define HEWN_INLINE inline __attribute__((always_inline))

namespace hewn::HEWN_KERNEL_ISA {

inline constexpr Isa kIsa = Isa::HEWN_KERNEL_ISA;

#if defined(HEWN_KERNEL_ISA_avx512)
using Arch = xsimd::avx512bw;
#elif defined(HEWN_KERNEL_ISA_avx2)
using Arch = xsimd::fma3<xsimd::avx2>;
#elif defined(HEWN_KERNEL_ISA_sse42)
using Arch = xsimd::sse4_2;
#elif defined(HEWN_KERNEL_ISA_neon)
using Arch = xsimd::neon64;
#endif

#if defined(HEWN_KERNEL_ISA_scalar)
using Register = float;
using RegisterMask = bool;
inline constexpr int kWidth = 1;
HEWN_INLINE Register load_register(const float* from) { return *from; }
HEWN_INLINE void store_register(float* to, Register value) { *to = value; }
HEWN_INLINE Register shift_left_23(Register value) {
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  bits <<= 23;
  std::memcpy(&value, &bits, sizeof bits);
  return value;
}
HEWN_INLINE Register select_register(RegisterMask mask, Register x, Register y) {
  return mask ? x : y;
}
HEWN_INLINE Register divide_register(Register x, Register y) { return x / y; }
HEWN_INLINE Register sqrt_register(Register x) { return std::sqrt(x); }
HEWN_INLINE Register abs_register(Register x) { return std::fabs(x); }
HEWN_INLINE RegisterMask is_nan_register(Register x) { return x != x; }
HEWN_INLINE Register copysign_register(Register x, Register sign) { return std::copysign(x, sign); }
#else
using Register = xsimd::batch<float, Arch>;
using RegisterMask = Register::batch_bool_type;
inline constexpr int kWidth = static_cast<int>(Register::size);
HEWN_INLINE Register load_register(const float* from) { return Register::load_unaligned(from); }
HEWN_INLINE void store_register(float* to, const Register& value) { value.store_unaligned(to); }
HEWN_INLINE Register shift_left_23(const Register& value) {
  using Bits = xsimd::batch<std::int32_t, Arch>;
  return xsimd::bitwise_cast<Register>(xsimd::bitwise_cast<Bits>(value) << 23);
}
HEWN_INLINE Register select_register(const RegisterMask& mask, const Register& x,
                                     const Register& y) {
  return xsimd::select(mask, x, y);
}
// xsimd 8.1 divides and takes roots by estimates on NEON, and those are not correctly rounded.
#if defined(HEWN_KERNEL_ISA_neon)
HEWN_INLINE Register divide_register(const Register& x, const Register& y) {
  return vdivq_f32(x, y);
}
HEWN_INLINE Register sqrt_register(const Register& x) { return vsqrtq_f32(x); }
#else
HEWN_INLINE Register divide_register(const Register& x, const Register& y) { return x / y; }
HEWN_INLINE Register sqrt_register(const Register& x) { return xsimd::sqrt(x); }
#endif
HEWN_INLINE Register abs_register(const Register& x) { return xsimd::abs(x); }
/// Not x != x: with AVX, xsimd 8.1 has that ordered, so false for NaN.
HEWN_INLINE RegisterMask is_nan_register(const Register& x) { return xsimd::isnan(x); }
HEWN_INLINE Register copysign_register(const Register& x, const Register& sign) {
  return xsimd::copysign(x, sign);
}
#endif

/// a × b + c, rounded once where the machine can. xsimd 8.1 rounds twice for AVX-512 and NEON.
HEWN_INLINE Register fused(const Register& a, const Register& b, const Register& c) {
#if defined(HEWN_KERNEL_ISA_avx512)
  return _mm512_fmadd_ps(a, b, c);
#elif defined(HEWN_KERNEL_ISA_avx2)
  return _mm256_fmadd_ps(a, b, c);
#elif defined(HEWN_KERNEL_ISA_neon)
  return vfmaq_f32(c, a, b);
#elif defined(HEWN_KERNEL_ISA_sse42)
  return a * b + c;
#else
  return std::fma(a, b, c);
#endif
}

/// a > b ? a : b, which is what x86 computes as the maximum.
HEWN_INLINE Register larger_else_second_register(const Register& a, const Register& b) {
#if defined(HEWN_KERNEL_ISA_avx512)
  return _mm512_max_ps(a, b);
#elif defined(HEWN_KERNEL_ISA_avx2)
  return _mm256_max_ps(a, b);
#elif defined(HEWN_KERNEL_ISA_sse42)
  return _mm_max_ps(a, b);
#else
  return select_register(b < a, a, b);
#endif
}

inline constexpr int kLanes = 16;
inline constexpr int kRegisters = kLanes / kWidth;

// Masked loads and stores, where there are any: a copy through memory would make the load wait for
// the store.
#if defined(HEWN_KERNEL_ISA_avx512)
HEWN_INLINE __mmask16 first_lanes(std::int64_t count) {
  return static_cast<__mmask16>((1U << static_cast<unsigned>(count)) - 1U);
}
#elif defined(HEWN_KERNEL_ISA_avx2)
/// All bits set in the lanes before `count`, which may be negative or above 8.
HEWN_INLINE __m256i first_lanes(std::int64_t count) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(count)),
                            _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
#endif

/// One truth value a lane.
struct Mask {
  RegisterMask r[kRegisters];
};

struct Lanes {
  Register r[kRegisters];

  Lanes() = default;
  /// `value` in every lane.
  // NOLINTNEXTLINE(google-explicit-constructor): constants read as numbers
  HEWN_INLINE Lanes(float value) {
#pragma GCC unroll 16
    for (int i = 0; i < kRegisters; ++i) r[i] = Register(value);
  }

  static HEWN_INLINE Lanes load(const float* from) {
    Lanes out;
#pragma GCC unroll 16
    for (int i = 0; i < kRegisters; ++i) out.r[i] = load_register(from + i * kWidth);
    return out;
  }
  /// The first `count` lanes from memory, 0 ≤ count ≤ 16; `rest` in the others. Reads no further.
  static HEWN_INLINE Lanes load(const float* from, std::int64_t count, float rest = 0) {
    if (count == kLanes) return load(from);
    Lanes out;
#if defined(HEWN_KERNEL_ISA_avx512)
    out.r[0] = _mm512_mask_loadu_ps(_mm512_set1_ps(rest), first_lanes(count), from);
#elif defined(HEWN_KERNEL_ISA_avx2)
    for (int i = 0; i < kRegisters; ++i) {
      const __m256i mask = first_lanes(count - i * kWidth);
      out.r[i] = _mm256_blendv_ps(_mm256_set1_ps(rest), _mm256_maskload_ps(from + i * kWidth, mask),
                                  _mm256_castsi256_ps(mask));
    }
#else
    alignas(64) float buffer[kLanes];
    for (float& value : buffer) value = rest;
    std::memcpy(buffer, from, static_cast<std::size_t>(count) * sizeof(float));
    out = load(buffer);
#endif
    return out;
  }
  /// Sixteen finite IEEE binary16 numbers, widened exactly.
  static HEWN_INLINE Lanes load_halves(const std::uint16_t* from) {
    Lanes out;
#if defined(HEWN_KERNEL_ISA_avx512)
    out.r[0] = _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
#elif defined(HEWN_KERNEL_ISA_avx2)
    for (int i = 0; i < kRegisters; ++i) {
      out.r[i] =
          _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from + i * kWidth)));
    }
#elif defined(HEWN_KERNEL_ISA_neon)
    for (int i = 0; i < kRegisters; ++i) {
      out.r[i] = vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(from + i * kWidth)));
    }
#else
    alignas(64) float buffer[kLanes];
    for (int i = 0; i < kLanes; ++i) buffer[i] = half_to_float(from[i]);
    out = load(buffer);
#endif
    return out;
  }
  HEWN_INLINE void store(float* to) const {
#pragma GCC unroll 16
    for (int i = 0; i < kRegisters; ++i) store_register(to + i * kWidth, r[i]);
  }
  /// Writes the first `count` lanes, 0 ≤ count ≤ 16, and no further.
  HEWN_INLINE void store(float* to, std::int64_t count) const {
    if (count == kLanes) return store(to);
#if defined(HEWN_KERNEL_ISA_avx512)
    _mm512_mask_storeu_ps(to, first_lanes(count), r[0]);
#elif defined(HEWN_KERNEL_ISA_avx2)
    for (int i = 0; i < kRegisters; ++i) {
      _mm256_maskstore_ps(to + i * kWidth, first_lanes(count - i * kWidth), r[i]);
    }
#else
    alignas(64) float buffer[kLanes];
    store(buffer);
    std::memcpy(to, buffer, static_cast<std::size_t>(count) * sizeof(float));
#endif
  }
};

/// Applies `op` register by register.
template <typename Out, typename Op, typename... In>
HEWN_INLINE Out map_registers(Op op, const In&... in) {
  Out out;
#pragma GCC unroll 16
  for (int i = 0; i < kRegisters; ++i) out.r[i] = op(in.r[i]...);
  return out;
}

HEWN_INLINE Lanes operator+(const Lanes& a, const Lanes& b) {
  return map_registers<Lanes>([](const auto& x, const auto& y) { return x + y; }, a, b);
}
HEWN_INLINE Lanes operator-(const Lanes& a, const Lanes& b) {
  return map_registers<Lanes>([](const auto& x, const auto& y) { return x - y; }, a, b);
}
HEWN_INLINE Lanes operator-(const Lanes& a) {
  return map_registers<Lanes>([](const auto& x) { return -x; }, a);
}
HEWN_INLINE Lanes operator*(const Lanes& a, const Lanes& b) {
  return map_registers<Lanes>([](const auto& x, const auto& y) { return x * y; }, a, b);
}
HEWN_INLINE Lanes operator/(const Lanes& a, const Lanes& b) {
  return map_registers<Lanes>([](const auto& x, const auto& y) { return divide_register(x, y); }, a,
                              b);
}
/// a × b + c, rounded once (SSE4.2: twice).
HEWN_INLINE Lanes fma(const Lanes& a, const Lanes& b, const Lanes& c) {
  return map_registers<Lanes>(
      [](const auto& x, const auto& y, const auto& z) { return fused(x, y, z); }, a, b, c);
}
/// a + t·(b − a) as two products, (1 − t)·a + t·b: exact at both ends, for finite a and b.
HEWN_INLINE Lanes lerp(const Lanes& a, const Lanes& b, const Lanes& t) {
  return fma(t, b, (Lanes(1) - t) * a);
}
HEWN_INLINE Lanes sqrt(const Lanes& a) {
  return map_registers<Lanes>([](const auto& x) { return sqrt_register(x); }, a);
}
HEWN_INLINE Lanes abs(const Lanes& a) {
  return map_registers<Lanes>([](const auto& x) { return abs_register(x); }, a);
}
/// The magnitude of the first with the sign of the second.
HEWN_INLINE Lanes copysign(const Lanes& magnitude, const Lanes& sign) {
  return map_registers<Lanes>([](const auto& x, const auto& y) { return copysign_register(x, y); },
                              magnitude, sign);
}

HEWN_INLINE Mask operator<(const Lanes& a, const Lanes& b) {
  return map_registers<Mask>([](const auto& x, const auto& y) { return x < y; }, a, b);
}
HEWN_INLINE Mask operator>(const Lanes& a, const Lanes& b) { return b < a; }
HEWN_INLINE Mask operator==(const Lanes& a, const Lanes& b) {
  return map_registers<Mask>([](const auto& x, const auto& y) { return x == y; }, a, b);
}
HEWN_INLINE Mask is_nan(const Lanes& a) {
  return map_registers<Mask>([](const auto& x) { return is_nan_register(x); }, a);
}
HEWN_INLINE Mask operator|(const Mask& a, const Mask& b) {
  return map_registers<Mask>([](const auto& x, const auto& y) { return RegisterMask(x | y); }, a,
                             b);
}
/// if_true where the mask is set, if_false elsewhere.
HEWN_INLINE Lanes select(const Mask& mask, const Lanes& if_true, const Lanes& if_false) {
  return map_registers<Lanes>(
      [](const auto& m, const auto& x, const auto& y) { return select_register(m, x, y); }, mask,
      if_true, if_false);
}
/// a > b ? a : b, so b where either is NaN or both are zeros.
HEWN_INLINE Lanes larger_else_second(const Lanes& a, const Lanes& b) {
  return map_registers<Lanes>(
      [](const auto& x, const auto& y) { return larger_else_second_register(x, y); }, a, b);
}
/// The larger; NaN when either is NaN, as torch.maximum has it. Of +0 and −0, the first.
HEWN_INLINE Lanes maximum(const Lanes& a, const Lanes& b) {
  return select(is_nan(b), b, larger_else_second(b, a));
}
/// The smaller; NaN when either is NaN, as torch.minimum has it. Of +0 and −0, the first.
HEWN_INLINE Lanes minimum(const Lanes& a, const Lanes& b) {
  return select((b < a) | is_nan(b), b, a);
}
/// 0 for negative values; NaN and −0 pass, as in torch.relu.
HEWN_INLINE Lanes relu(const Lanes& x) { return larger_else_second(Lanes(0), x); }

/// The nearest integer, ties to even. For |a| < 2²².
HEWN_INLINE Lanes round_small(const Lanes& a) {
  constexpr float kShift = 12582912.0F;  // 1.5 × 2²³: at this magnitude one ulp is one
  return (a + kShift) - kShift;
}
/// 2ⁿ for integers −126 ≤ n ≤ 127.
HEWN_INLINE Lanes exp2_integer(const Lanes& n) {
  // The sum's lowest mantissa bits are n + 127, the exponent field of the result.
  constexpr float kShift = 8388608.0F + 127.0F;
  return map_registers<Lanes>([](const auto& x) { return shift_left_23(x); }, n + Lanes(kShift));
}

/// x · 2ⁿ, rounded once, for ½ ≤ |x| ≤ 2 and integers −252 ≤ n ≤ 254.
HEWN_INLINE Lanes scale_by_exp2(const Lanes& x, const Lanes& n) {
#if defined(HEWN_KERNEL_ISA_avx512)
  return map_registers<Lanes>([](const auto& a, const auto& b) { return _mm512_scalef_ps(a, b); },
                              x, n);
#else
  // In two factors, since 2ⁿ may be too large or too small for a float; the first product is exact.
  const Lanes half = round_small(n * Lanes(0.5F));
  return (x * exp2_integer(half)) * exp2_integer(n - half);
#endif
}

/// The sum of the lanes by one fixed tree: 8 + 8, 4 + 4, 2 + 2, 1 + 1, the same on every machine.
HEWN_INLINE float reduce_add(const Lanes& a) {
  alignas(64) float v[kLanes];
  a.store(v);
  for (int half = kLanes / 2; half > 0; half /= 2) {
    for (int i = 0; i < half; ++i) v[i] += v[i + half];
  }
  return v[0];
}
/// The largest lane; NaN when any is.
HEWN_INLINE float reduce_max(const Lanes& a) {
  alignas(64) float v[kLanes];
  a.store(v);
  for (int half = kLanes / 2; half > 0; half /= 2) {
    for (int i = 0; i < half; ++i) {
      if (v[i] < v[i + half] || v[i + half] != v[i + half]) v[i] = v[i + half];
    }
  }
  return v[0];
}

}  // namespace hewn::HEWN_KERNEL_ISA
