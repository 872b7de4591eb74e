#include "hewn/ops/linear/bf16.h"
#include "hewn/runtime/isa/kernels.h"

#include <immintrin.h>

namespace hewn {

namespace {

constexpr int kTileRows = 8;  // × 2 panels: 16 of 32 registers are sums

void round(const float* from, std::uint16_t* to, std::int64_t count) {
  for (std::int64_t i = 0; i < count; i += 32) {
    const auto first_lanes = [&](std::int64_t at) {
      const std::int64_t left = count - at;
      return left >= 16 ? __mmask16{0xffff}
             : left > 0 ? static_cast<__mmask16>((1U << static_cast<unsigned>(left)) - 1U)
                        : __mmask16{0};
    };
    const __m512 low = _mm512_maskz_loadu_ps(first_lanes(i), from + i);
    const __m512 high = _mm512_maskz_loadu_ps(first_lanes(i + 16), from + i + 16);
    const __m512bh rounded = _mm512_cvtne2ps_pbh(high, low);
    _mm512_storeu_si512(to + i, reinterpret_cast<const __m512i&>(rounded));
  }
}

template <int panels>
void tile(const Bf16Product& p, std::int64_t row) {
  __m512 sums[kTileRows][panels];
  for (int r = 0; r < kTileRows; ++r) {
    for (int n = 0; n < panels; ++n) sums[r][n] = _mm512_loadu_ps(p.bias + n * 16);
  }
  const std::uint16_t* in = p.in + row * p.depth;
  for (std::int64_t k = 0; k < p.depth; k += 2) {
    __m512i weights[panels];
    for (int n = 0; n < panels; ++n) {
      weights[n] = _mm512_loadu_si512(p.panels + n * p.depth * 16 + k * 16);
    }
#pragma GCC unroll 8
    for (int r = 0; r < kTileRows; ++r) {
      int pair = 0;
      __builtin_memcpy(&pair, in + r * p.depth + k, sizeof pair);
      const __m512i x = _mm512_set1_epi32(pair);
      for (int n = 0; n < panels; ++n) {
        sums[r][n] = _mm512_dpbf16_ps(sums[r][n], reinterpret_cast<const __m512bh&>(x),
                                      reinterpret_cast<const __m512bh&>(weights[n]));
      }
    }
  }
  for (int r = 0; r < kTileRows; ++r) {
    for (int n = 0; n < panels; ++n) {
      _mm512_storeu_ps(p.sums + ((row + r) * panels + n) * 16, sums[r][n]);
    }
  }
}

void product(const Bf16Product& p) {
  static_assert(kBf16Rows % kTileRows == 0);
  for (std::int64_t row = 0; row < p.rows; row += kTileRows) {
    if (p.panel_count == 2) {
      tile<2>(p, row);
    } else {
      tile<1>(p, row);
    }
  }
}

}  // namespace

template <>
const Bf16Kernels& kernels<Bf16Kernels, Bf16Isa::avx512>() {
  static constexpr Bf16Kernels table{round, product};
  return table;
}

}  // namespace hewn
