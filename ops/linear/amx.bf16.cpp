// Tiles 0 to 3 are sums of two times 16 rows and two panels, 4 and 5 the rows, 6 and 7 the panels.
#include "hewn/ops/linear/bf16.h"
#include "hewn/runtime/isa/kernels.h"

#include <immintrin.h>

namespace hewn {

namespace {

/// All tiles have 16 rows of 64 bytes (Intel 64 and IA-32 Architectures Software Developer's
/// Manual, volume 2, LDTILECFG).
struct TileConfig {
  std::uint8_t palette = 1;
  std::uint8_t start_row = 0;
  std::uint8_t reserved[14] = {};
  std::uint16_t column_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  std::uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};
static_assert(sizeof(TileConfig) == 64);

constexpr std::int64_t kPanel = 16;

void round(const float* from, std::uint16_t* to, std::int64_t count) {
  kernels<Bf16Kernels, Bf16Isa::avx512>().round(from, to, count);
}

/// 32 rows and two panels.
void tile_32x2(const Bf16Product& p, std::int64_t row) {
  _tile_loadd(0, p.bias, 0);
  _tile_loadd(1, p.bias + kPanel, 0);
  _tile_loadd(2, p.bias, 0);
  _tile_loadd(3, p.bias + kPanel, 0);
  const std::int64_t stride = p.depth * 2;  // bytes
  const std::uint16_t* upper = p.in + row * p.depth;
  const std::uint16_t* lower = upper + kBf16Rows * p.depth;
  const std::uint16_t* left = p.panels;
  const std::uint16_t* right = p.panels + p.depth * kPanel;
  for (std::int64_t k = 0; k < p.depth; k += kBf16Depth) {
    _tile_loadd(4, upper + k, stride);
    _tile_loadd(6, left + k * kPanel, 64);
    _tile_dpbf16ps(0, 4, 6);
    _tile_loadd(7, right + k * kPanel, 64);
    _tile_dpbf16ps(1, 4, 7);
    _tile_loadd(5, lower + k, stride);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
  }
  float* sums = p.sums + row * 2 * kPanel;
  _tile_stored(0, sums, 128);
  _tile_stored(1, sums + kPanel, 128);
  _tile_stored(2, sums + kBf16Rows * 2 * kPanel, 128);
  _tile_stored(3, sums + kBf16Rows * 2 * kPanel + kPanel, 128);
}

/// 16 rows and one panel.
void tile_16x1(const Bf16Product& p, std::int64_t row, std::int64_t panel) {
  _tile_loadd(0, p.bias + panel * kPanel, 0);
  const std::uint16_t* in = p.in + row * p.depth;
  const std::uint16_t* weights = p.panels + panel * p.depth * kPanel;
  for (std::int64_t k = 0; k < p.depth; k += kBf16Depth) {
    _tile_loadd(4, in + k, p.depth * 2);
    _tile_loadd(6, weights + k * kPanel, 64);
    _tile_dpbf16ps(0, 4, 6);
  }
  _tile_stored(0, p.sums + (row * p.panel_count + panel) * kPanel, p.panel_count * 64);
}

void product(const Bf16Product& p) {
  const TileConfig config;
  _tile_loadconfig(&config);
  std::int64_t row = 0;
  if (p.panel_count == 2) {
    for (; row + 2 * kBf16Rows <= p.rows; row += 2 * kBf16Rows) tile_32x2(p, row);
  }
  for (; row < p.rows; row += kBf16Rows) {
    for (std::int64_t panel = 0; panel < p.panel_count; ++panel) tile_16x1(p, row, panel);
  }
  _tile_release();
}

}  // namespace

template <>
const Bf16Kernels& kernels<Bf16Kernels, Bf16Isa::amx>() {
  static constexpr Bf16Kernels table{round, product};
  return table;
}

}  // namespace hewn
