#include "hewn/ops/conv2d/winograd.h"

#include "hewn/ops/conv2d/winograd_transform.h"
#include "hewn/ops/gemm/finish.h"

namespace hewn {

namespace HEWN_KERNEL_ISA {
namespace {

/// Keeps g++ from working an address out anew from the first one of a loop: it would need more
/// registers than there are.
template <typename Float>
HEWN_INLINE Float* here(Float* address) {
  asm("" : "+r"(address));
  return address;
}

/// Addresses `stride` apart, counted in floats: i, i + 1 and i + 2 are one address register and one
/// index register scaled by 1 and 2.
template <typename Float, int count>
class Threes {
 public:
  HEWN_INLINE Threes(Float* first, std::int64_t stride) : stride_(stride) {
#pragma GCC unroll 3
    for (int i = 0; i < kCount; ++i) at_[i] = here(first + 3 * i * stride);
  }
  HEWN_INLINE Float* operator[](int i) const { return at_[i / 3] + i % 3 * stride_; }

 private:
  static constexpr int kCount = (count + 2) / 3;
  Float* at_[kCount];
  std::int64_t stride_;
};

/// Sixteen channels of a tile, `kGroup` rows of Bᵀ d B at a time: as many as fit into AVX-512's
/// registers between the two passes. Reading the tile once more is cheaper than parking 36 vectors.
template <typename AxisH, typename AxisW, bool inside>
HEWN_INLINE void transform_channels(const WinogradInput& t, std::int64_t channel,
                                    std::int64_t count) {
  constexpr int kGroup = (AxisH::kPoints + 1) / 2;
  constexpr int kOverlap = AxisW::kPoints - AxisW::kOutputs;
  const std::int64_t column_stride = t.column_stride;
  float* to = t.out + channel;
#pragma GCC unroll 2
  for (int group = 0; group < AxisH::kPoints; group += kGroup) {
    Lanes half[kGroup][AxisW::kPoints];
    const float* in = t.in + channel;
#pragma GCC unroll 8
    for (int x = 0; x < AxisW::kPoints; ++x) {
      const Threes<const float, AxisH::kPoints> from(in, t.row_stride);
      Lanes column[AxisH::kPoints];
#pragma GCC unroll 8
      for (int y = 0; y < AxisH::kPoints; ++y) {
        if (inside) {
          column[y] = Lanes::load(from[y]);
          // Two tiles on, a picture's row is too far for the processor to see the pattern across
          // the rows. The first columns are the last ones of the tile before.
          if (group == 0 && x >= kOverlap) {
            __builtin_prefetch(from[y] + 2 * AxisW::kOutputs * column_stride);
          }
        } else if (x >= t.column_begin && x < t.column_end && y >= t.row_begin && y < t.row_end) {
          column[y] = Lanes::load(from[y], count);
        } else {
          column[y] = Lanes(0);
        }
      }
      in = here(in + column_stride);
      Lanes transformed[AxisH::kPoints];
      AxisH::transform_input(column, transformed);
#pragma GCC unroll 8
      for (int y = 0; y < kGroup; ++y) {
        if (group + y < AxisH::kPoints) half[y][x] = transformed[group + y];
      }
    }
#pragma GCC unroll 8
    for (int y = 0; y < kGroup; ++y) {
      if (group + y >= AxisH::kPoints) continue;
      Lanes transformed[AxisW::kPoints];
      AxisW::transform_input(half[y], transformed);
      const Threes<float, AxisW::kPoints> row(to, t.product_stride);
#pragma GCC unroll 8
      for (int x = 0; x < AxisW::kPoints; ++x) transformed[x].store(row[x]);
      to = here(to + AxisW::kPoints * t.product_stride);
    }
  }
}

template <typename AxisH, typename AxisW>
void transform_input(const WinogradInput& t) {
  const bool inside = t.row_begin == 0 && t.row_end == AxisH::kPoints && t.column_begin == 0 &&
                      t.column_end == AxisW::kPoints;
  std::int64_t channel = 0;
  if (inside) {
    for (; channel + kLanes <= t.channels; channel += kLanes) {
      transform_channels<AxisH, AxisW, true>(t, channel, kLanes);
    }
  }
  for (; channel < t.channels; channel += kLanes) {
    const std::int64_t left = t.channels - channel;
    transform_channels<AxisH, AxisW, false>(t, channel, left < kLanes ? left : kLanes);
  }
}

/// Rows of outputs from the products of a tile whose columns have been transformed, with the
/// epilogue. `kMissing`: a product of each row that is zero. `kWhole`: all of the tile's outputs
/// and channels exist.
template <typename AxisH, typename AxisW, int kMissing, bool kWhole>
class OutputRows {
 public:
  using Half = Lanes[AxisH::kOutputs][AxisW::kPoints];

  OutputRows(const WinogradOutput& t, const Half& half)
      : t_(t),
        half_(half),
        bias_(t.epilogue.bias != nullptr ? Lanes::load(t.epilogue.bias) : Lanes(0)),
        plain_(is_plain(t.epilogue)),
        relu_(t.epilogue.activation.kind == Activation::Kind::relu) {}

  HEWN_INLINE void write() const {
    if constexpr (AxisH::kOutputs % 2 == 0 && AxisW::kOutputs % 2 == 0) {
      if (t_.max_pool) return write_pooled();
    }
    const int rows = kWhole ? AxisH::kOutputs : t_.rows;
    const int columns = kWhole ? AxisW::kOutputs : t_.columns;
    for (int y = 0; y < rows; ++y) {
      Lanes row[AxisW::kOutputs];
      compute(y, row);
      float* to = t_.out + y * t_.row_stride;
#pragma GCC unroll 4
      for (int x = 0; x < columns; ++x) store(row[x], to + x * t_.column_stride);
    }
  }

 private:
  HEWN_INLINE void write_pooled() const {
    const int rows = kWhole ? AxisH::kOutputs : t_.rows;
    const int columns = kWhole ? AxisW::kOutputs : t_.columns;
    for (int y = 0; y < rows / 2; ++y) {
      Lanes above[AxisW::kOutputs];
      Lanes below[AxisW::kOutputs];
      compute(2 * y, above);
      compute(2 * y + 1, below);
      float* to = t_.out + y * t_.row_stride;
#pragma GCC unroll 2
      for (int x = 0; x < columns / 2; ++x) {
        const Lanes pooled = maximum(maximum(above[2 * x], above[2 * x + 1]),
                                     maximum(below[2 * x], below[2 * x + 1]));
        store(pooled, to + x * t_.column_stride);
      }
    }
  }

  HEWN_INLINE void compute(int y, Lanes (&row)[AxisW::kOutputs]) const {
    AxisW::template transform_output<kMissing>(half_[y], row);
    const float* before = t_.epilogue.before + y * t_.before_row_stride;
    const float* after = t_.epilogue.after + y * t_.after_row_stride;
#pragma GCC unroll 4
    for (int x = 0; x < AxisW::kOutputs; ++x) {
      const Lanes sum = row[x] + bias_;
      if (plain_) {
        row[x] = finish_plain(relu_, sum);
      } else if (kWhole || x < t_.columns) {
        row[x] = finish(t_.epilogue, sum, 0, t_.channels, before + x * t_.before_column_stride,
                        after + x * t_.after_column_stride);
      }
    }
  }

  HEWN_INLINE void store(const Lanes& values, float* to) const {
    if (kWhole) {
      values.store(to);
    } else {
      values.store(to, t_.channels);
    }
  }

  const WinogradOutput& t_;
  const Half& half_;
  Lanes bias_;
  bool plain_;
  bool relu_;
};

/// Neither the row of products `missing_h` nor the column `missing_w` is read; kNone: all are.
constexpr int kNone = -1;
template <typename AxisH, typename AxisW, int missing_h = kNone, int missing_w = kNone>
void transform_output(const WinogradOutput& t) {
  constexpr int kBegin = missing_w == 0 ? 1 : 0;
  constexpr int kEnd = AxisW::kPoints - (missing_w == AxisW::kPoints - 1 ? 1 : 0);
  Lanes half[AxisH::kOutputs][AxisW::kPoints];
  const float* in = t.in + kBegin * t.product_stride;
#pragma GCC unroll 1
  for (int x = kBegin; x < kEnd; ++x) {
    const Threes<const float, AxisH::kPoints> from(in, AxisW::kPoints * t.product_stride);
    Lanes column[AxisH::kPoints];
#pragma GCC unroll 8
    for (int y = 0; y < AxisH::kPoints; ++y) {
      if (y == missing_h) continue;
      column[y] = Lanes::load(from[y]);
      __builtin_prefetch(from[y] + t.next);  // in L2: as many streams as products
    }
    in += t.product_stride;
    Lanes outputs[AxisH::kOutputs];
    AxisH::template transform_output<missing_h>(column, outputs);
#pragma GCC unroll 4
    for (int y = 0; y < AxisH::kOutputs; ++y) half[y][x] = outputs[y];
  }
  if (t.rows == AxisH::kOutputs && t.columns == AxisW::kOutputs && t.channels == kLanes) {
    OutputRows<AxisH, AxisW, missing_w, true>(t, half).write();
  } else {
    OutputRows<AxisH, AxisW, missing_w, false>(t, half).write();
  }
}

template <typename AxisH, typename AxisW>
constexpr WinogradTransforms kTransforms{transform_input<AxisH, AxisW>,
                                         transform_output<AxisH, AxisW>};

}  // namespace
}  // namespace HEWN_KERNEL_ISA

template <>
const WinogradKernels& kernels<WinogradKernels, HEWN_KERNEL_ISA::kIsa>() {
  using namespace HEWN_KERNEL_ISA;
  using None = WinogradAxis<1, 1>;
  using F4 = WinogradAxis<4, 3>;
  constexpr int kFirst = 0;
  constexpr int kLast = F4::kPoints - 1;
  static constexpr WinogradKernels table{
      .f4x4_3x3 = kTransforms<F4, F4>,
      .f4x4_3x3_part = {{transform_output<F4, F4, kFirst, kFirst>,
                         transform_output<F4, F4, kFirst, kLast>},
                        {transform_output<F4, F4, kLast, kFirst>,
                         transform_output<F4, F4, kLast, kLast>}},
      .f2x2_3x3 = kTransforms<WinogradAxis<2, 3>, WinogradAxis<2, 3>>,
      .f4x4_2x2 = kTransforms<WinogradAxis<4, 2>, WinogradAxis<4, 2>>,
      .f1x4_1x5 = kTransforms<None, WinogradAxis<4, 5>>,
      .f4x1_5x1 = kTransforms<WinogradAxis<4, 5>, None>};
  return table;
}

}  // namespace hewn
