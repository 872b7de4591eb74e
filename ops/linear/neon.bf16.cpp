#include "hewn/ops/linear/bf16.h"
#include "hewn/runtime/isa/kernels.h"

#include <arm_neon.h>

namespace hewn {

namespace {

constexpr int kTileRows = 4;  // × 4 registers of a panel: 16 of 32 registers are sums

void round(const float* from, std::uint16_t* to, std::int64_t count) {
  for (std::int64_t i = 0; i < count; i += 32) {
    for (std::int64_t j = i; j < i + 32; j += 4) {
      float values[4] = {};
      for (std::int64_t lane = 0; lane < 4 && j + lane < count; ++lane) {
        values[lane] = from[j + lane];
      }
      vst1_u16(to + j, vreinterpret_u16_bf16(vcvt_bf16_f32(vld1q_f32(values))));
    }
  }
}

void tile(const Bf16Product& p, std::int64_t row, std::int64_t panel) {
  float32x4_t sums[kTileRows][4];
  for (int r = 0; r < kTileRows; ++r) {
    for (int n = 0; n < 4; ++n) sums[r][n] = vld1q_f32(p.bias + panel * 16 + n * 4);
  }
  const std::uint16_t* in = p.in + row * p.depth;
  const std::uint16_t* weights = p.panels + panel * p.depth * 16;
  for (std::int64_t k = 0; k < p.depth; k += 2) {
#pragma GCC unroll 4
    for (int r = 0; r < kTileRows; ++r) {
      std::uint32_t pair = 0;
      __builtin_memcpy(&pair, in + r * p.depth + k, sizeof pair);
      const bfloat16x8_t x = vreinterpretq_bf16_u32(vdupq_n_u32(pair));
#pragma GCC unroll 4
      for (int n = 0; n < 4; ++n) {
        const bfloat16x8_t w = vreinterpretq_bf16_u16(vld1q_u16(weights + k * 16 + n * 8));
        sums[r][n] = vbfdotq_f32(sums[r][n], x, w);
      }
    }
  }
  for (int r = 0; r < kTileRows; ++r) {
    for (int n = 0; n < 4; ++n) {
      vst1q_f32(p.sums + ((row + r) * p.panel_count + panel) * 16 + n * 4, sums[r][n]);
    }
  }
}

void product(const Bf16Product& p) {
  static_assert(kBf16Rows % kTileRows == 0);
  for (std::int64_t row = 0; row < p.rows; row += kTileRows) {
    for (std::int64_t panel = 0; panel < p.panel_count; ++panel) tile(p, row, panel);
  }
}

}  // namespace

template <>
const Bf16Kernels& kernels<Bf16Kernels, Bf16Isa::neon>() {
  static constexpr Bf16Kernels table{round, product};
  return table;
}

}  // namespace hewn
