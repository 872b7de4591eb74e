#include "hewn/ops/conv2d/winograd.h"

#include "hewn/ops/conv2d/winograd_transform.h"
#include "hewn/ops/gemm/finish.h"

namespace hewn {

namespace HEWN_KERNEL_ISA {
namespace {

/// Both passes keep no more than one row or column in registers: 36 vectors at once would not fit.
template <typename AxisH, typename AxisW, bool inside>
HEWN_INLINE void transform_channels(const WinogradInput& t, std::int64_t channel,
                                    std::int64_t count) {
  constexpr int kStepW = AxisW::kOutputs;
  Lanes half[AxisH::kPoints][AxisW::kPoints];
#pragma GCC unroll 1
  for (int x = 0; x < AxisW::kPoints; ++x) {
    Lanes column[AxisH::kPoints];
    const bool column_inside = inside || (x >= t.column_begin && x < t.column_end);
#pragma GCC unroll 8
    for (int y = 0; y < AxisH::kPoints; ++y) {
      const float* from = t.in + y * t.row_stride + x * t.column_stride + channel;
      if (inside) {
        column[y] = Lanes::load(from);
        // Two tiles on, a picture's row is too far for the processor to see the pattern across six
        // rows.
        __builtin_prefetch(from + 2 * kStepW * t.column_stride);
      } else if (column_inside && y >= t.row_begin && y < t.row_end) {
        column[y] = Lanes::load(from, count);
      } else {
        column[y] = Lanes(0);
      }
    }
    Lanes transformed[AxisH::kPoints];
    AxisH::transform_input(column, transformed);
#pragma GCC unroll 8
    for (int y = 0; y < AxisH::kPoints; ++y) half[y][x] = transformed[y];
  }
#pragma GCC unroll 1
  for (int y = 0; y < AxisH::kPoints; ++y) {
    Lanes transformed[AxisW::kPoints];
    AxisW::transform_input(half[y], transformed);
    float* to = t.out + y * AxisW::kPoints * t.product_stride + channel;
#pragma GCC unroll 8
    for (int x = 0; x < AxisW::kPoints; ++x) transformed[x].store(to + x * t.product_stride);
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

template <typename AxisH, typename AxisW>
void transform_output(const WinogradOutput& t) {
  constexpr int kRows = AxisH::kOutputs;
  constexpr int kColumns = AxisW::kOutputs;
  Lanes half[kRows][AxisW::kPoints];
#pragma GCC unroll 1
  for (int x = 0; x < AxisW::kPoints; ++x) {
    Lanes column[AxisH::kPoints];
#pragma GCC unroll 8
    for (int y = 0; y < AxisH::kPoints; ++y) {
      column[y] = Lanes::load(t.in + (y * AxisW::kPoints + x) * t.product_stride);
    }
    Lanes outputs[kRows];
    AxisH::transform_output(column, outputs);
#pragma GCC unroll 4
    for (int y = 0; y < kRows; ++y) half[y][x] = outputs[y];
  }

  const Lanes bias = t.epilogue.bias != nullptr ? Lanes::load(t.epilogue.bias) : Lanes(0);
  const bool plain = is_plain(t.epilogue);
  const bool relu = t.epilogue.activation.kind == Activation::Kind::relu;
  Lanes outputs[kRows][kColumns];
#pragma GCC unroll 1
  for (int y = 0; y < kRows; ++y) {
    AxisW::transform_output(half[y], outputs[y]);
    const float* residual = t.epilogue.residual + y * t.residual_row_stride;
#pragma GCC unroll 4
    for (int x = 0; x < kColumns; ++x) {
      const Lanes sum = outputs[y][x] + bias;
      if (plain) {
        outputs[y][x] = finish_plain(relu, sum);
      } else if (y < t.rows && x < t.columns) {
        outputs[y][x] =
            finish(t.epilogue, sum, 0, t.channels, residual + x * t.residual_column_stride);
      }
    }
  }

  if constexpr (kRows % 2 == 0 && kColumns % 2 == 0) {
    if (t.max_pool) {
      for (int y = 0; y < t.rows / 2; ++y) {
        for (int x = 0; x < t.columns / 2; ++x) {
          const Lanes above = maximum(outputs[2 * y][2 * x], outputs[2 * y][2 * x + 1]);
          const Lanes below = maximum(outputs[2 * y + 1][2 * x], outputs[2 * y + 1][2 * x + 1]);
          maximum(above, below).store(t.out + y * t.row_stride + x * t.column_stride, t.channels);
        }
      }
      return;
    }
  }
  for (int y = 0; y < t.rows; ++y) {
    for (int x = 0; x < t.columns; ++x) {
      outputs[y][x].store(t.out + y * t.row_stride + x * t.column_stride, t.channels);
    }
  }
}

template <int outputs_h, int taps_h, int outputs_w, int taps_w>
constexpr WinogradTransforms make_transforms() {
  using AxisH = WinogradAxis<outputs_h, taps_h>;
  using AxisW = WinogradAxis<outputs_w, taps_w>;
  return {outputs_h,
          outputs_w,
          taps_h,
          taps_w,
          transform_input<AxisH, AxisW>,
          transform_output<AxisH, AxisW>};
}

}  // namespace
}  // namespace HEWN_KERNEL_ISA

template <>
const WinogradKernels& kernels<WinogradKernels, HEWN_KERNEL_ISA::kIsa>() {
  using namespace HEWN_KERNEL_ISA;
  static constexpr WinogradKernels table{.f4x4_3x3 = make_transforms<4, 3, 4, 3>(),
                                         .f2x2_3x3 = make_transforms<2, 3, 2, 3>()};
  return table;
}

}  // namespace hewn
