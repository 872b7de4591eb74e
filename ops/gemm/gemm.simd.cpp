#include "hewn/ops/gemm/gemm.h"

#include "hewn/ops/gemm/finish.h"
#include "hewn/runtime/isa/lanes.h"

#include <array>
#include <utility>

namespace hewn {

namespace HEWN_KERNEL_ISA {
namespace {

// The sums of a tile, the weights of one k and one broadcast input fill the registers:
// AVX-512 12·2 + 2 + 1 of 32, AVX2 6·2 + 2 + 1 of 16, SSE4.2 2·4 + 4 + 1 of 16, NEON 6·4 + 4 + 1
// of 32.
constexpr std::array<int, 2> tile_size() {
  switch (kIsa) {
    case Isa::avx512:
      return {12, 2};
    case Isa::avx2:
    case Isa::neon:
      return {6, 1};
    case Isa::sse42:
      return {2, 1};
    case Isa::scalar:
      return {1, 1};
  }
}
constexpr int kMaxPixels = tile_size()[0];
constexpr int kMaxPanels = tile_size()[1];
/// AVX-512: 8·3 sums, 3 weights and 1 input; 11 loads for 24 products where 12 × 2 has 14.
constexpr bool kHasWideTile = kIsa == Isa::avx512;
constexpr int kWidePixels = kHasWideTile ? 8 : kMaxPixels;
constexpr int kWidePanels = kHasWideTile ? 3 : kMaxPanels;

/// How many rows of a panel ahead the weights are fetched: measured on AVX-512, where a row is used
/// up every 12 cycles and L2 is some 16 cycles away.
constexpr int kPrefetchRows = 16;

/// The general epilogue, on sums that have been spilled as [pixel][panel][16].
__attribute__((noinline)) void finish_tile(const GemmTile& t, const float* sums, int panels) {
  for (std::int64_t p = 0; p < t.pixels; ++p) {
    for (int n = 0; n < panels; ++n) {
      const std::int64_t channel = n * kPanel;
      const std::int64_t left = t.channels - channel;
      const std::int64_t count = left < kPanel ? left : kPanel;
      const Lanes sum = Lanes::load(sums + (p * panels + n) * kPanel);
      const float* before = t.epilogue.before + p * t.epilogue.before_stride;
      const float* after = t.epilogue.after + p * t.epilogue.after_stride;
      finish(t.epilogue, sum, channel, count, before, after)
          .store(t.out + p * t.out_stride + channel, count);
    }
  }
}

/// Adds a finished run of products to the totals, which begin with the bias.
template <int kPixels, int kPanels>
HEWN_INLINE void add_run(const GemmTile& t, bool first, const Lanes (&sum)[kPixels][kPanels],
                         float* totals) {
#pragma GCC unroll 3
  for (int n = 0; n < kPanels; ++n) {
    const Lanes bias = t.epilogue.bias ? Lanes::load(t.epilogue.bias + n * kPanel) : Lanes(0);
#pragma GCC unroll 16
    for (int p = 0; p < kPixels; ++p) {
      float* total = totals + (p * kPanels + n) * kPanel;
      ((first ? bias : Lanes::load(total)) + sum[p][n]).store(total);
    }
  }
}

template <int kPixels, int kPanels>
HEWN_INLINE void clear(Lanes (&sum)[kPixels][kPanels]) {
#pragma GCC unroll 16
  for (int p = 0; p < kPixels; ++p) {
#pragma GCC unroll 3
    for (int n = 0; n < kPanels; ++n) sum[p][n] = Lanes(0);
  }
}

template <int kPixels, int kPanels>
void tile(const GemmTile& t) {
  Lanes sum[kPixels][kPanels];
  clear(sum);
  alignas(64) float memory[kPixels * kPanels * kPanel];
  float* totals = memory;
  asm("" : "+r"(totals));  // or g++ takes them for registers, and moves them about at every call
  bool first_run = true;
  std::int64_t run = t.run;

  // Pixels in threes: p, p + stride and p + 2·stride are one address register and one index
  // register scaled by 4 and 8, so a third of the pixels' pointers is all that moves along k.
  constexpr int kThrees = (kPixels + 2) / 3;
  const float* weights = t.panels;
  for (std::int64_t tap = 0; tap < t.taps; ++tap) {
    const float* in[kThrees];
#pragma GCC unroll 4
    for (int i = 0; i < kThrees; ++i) {
      in[i] = t.in + t.tap_offsets[tap] + 3 * i * t.pixel_stride;
      asm("" : "+r"(in[i]));  // or g++ works all of them out anew from one, at every k
    }
    for (std::int64_t left = t.depth; left > 0;) {
      if (run == 0) {
        add_run(t, first_run, sum, totals);
        clear(sum);
        first_run = false;
        run = t.run;
      }
      const std::int64_t steps = left < run ? left : run;
      for (std::int64_t k = 0; k < steps; ++k) {
        Lanes w[kPanels];
#pragma GCC unroll 3
        for (int n = 0; n < kPanels; ++n) {
          const float* row = weights + n * t.panel_stride;
          w[n] = Lanes::load(row);
          __builtin_prefetch(row + kPrefetchRows * kPanel);
        }
#pragma GCC unroll 16
        for (int p = 0; p < kPixels; ++p) {
          const Lanes x(in[p / 3][p % 3 * t.pixel_stride]);
#pragma GCC unroll 3
          for (int n = 0; n < kPanels; ++n) sum[p][n] = fma(x, w[n], sum[p][n]);
        }
#pragma GCC unroll 4
        for (int i = 0; i < kThrees; ++i) ++in[i];
        weights += kPanel;
      }
      left -= steps;
      run -= steps;
    }
  }

#pragma GCC unroll 3
  for (int n = 0; n < kPanels; ++n) {
    const Lanes bias = t.epilogue.bias ? Lanes::load(t.epilogue.bias + n * kPanel) : Lanes(0);
#pragma GCC unroll 16
    for (int p = 0; p < kPixels; ++p) {
      const Lanes total = first_run ? bias : Lanes::load(totals + (p * kPanels + n) * kPanel);
      sum[p][n] = total + sum[p][n];
    }
  }
  if (is_plain(t.epilogue) && t.channels == kPanels * kPanel) {
    const bool relu = t.epilogue.activation.kind == Activation::Kind::relu;
#pragma GCC unroll 16
    for (int p = 0; p < kPixels; ++p) {
#pragma GCC unroll 3
      for (int n = 0; n < kPanels; ++n) {
        finish_plain(relu, sum[p][n]).store(t.out + p * t.out_stride + n * kPanel);
      }
    }
    return;
  }
#pragma GCC unroll 16
  for (int p = 0; p < kPixels; ++p) {
#pragma GCC unroll 3
    for (int n = 0; n < kPanels; ++n) sum[p][n].store(totals + (p * kPanels + n) * kPanel);
  }
  finish_tile(t, totals, kPanels);
}

using TileFunction = void (*)(const GemmTile&);

template <typename Tiles, std::size_t... pixels>
constexpr void add_wide_tiles(Tiles& tiles, std::index_sequence<pixels...>) {
  ((tiles[pixels][kWidePanels - 1] = tile<pixels + 1, kWidePanels>), ...);
}

/// tiles[pixels − 1][panels − 1], so that a row of any width is cut into tiles of nearly equal size
/// with no lane wasted at its end.
template <std::size_t... pixels>
constexpr auto make_tiles(std::index_sequence<pixels...>) {
  std::array<std::array<TileFunction, kWidePanels>, sizeof...(pixels)> tiles{};
  ((tiles[pixels][0] = tile<pixels + 1, 1>), ...);
  if constexpr (kMaxPanels == 2) ((tiles[pixels][1] = tile<pixels + 1, 2>), ...);
  if constexpr (kHasWideTile) add_wide_tiles(tiles, std::make_index_sequence<kWidePixels>());
  return tiles;
}
constexpr auto kTiles = make_tiles(std::make_index_sequence<kMaxPixels>());

void run_tile(const GemmTile& t) {
  const auto panels = static_cast<std::size_t>((t.channels - 1) / kPanel);
  kTiles[static_cast<std::size_t>(t.pixels - 1)][panels](t);
}

}  // namespace
}  // namespace HEWN_KERNEL_ISA

template <>
const GemmKernels& kernels<GemmKernels, HEWN_KERNEL_ISA::kIsa>() {
  using namespace HEWN_KERNEL_ISA;
  static constexpr GemmKernels table{kMaxPixels,  kMaxPanels, kWidePixels,
                                     kWidePanels, run_tile,   finish_tile};
  return table;
}

}  // namespace hewn
