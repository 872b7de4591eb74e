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
  constexpr int kOutputsH = AxisH::kOutputs;
  constexpr int kOutputsW = AxisW::kOutputs;
  Lanes half[kOutputsH][AxisW::kPoints];
#pragma GCC unroll 1
  for (int x = 0; x < AxisW::kPoints; ++x) {
    Lanes column[AxisH::kPoints];
#pragma GCC unroll 8
    for (int y = 0; y < AxisH::kPoints; ++y) {
      column[y] = Lanes::load(t.in + (y * AxisW::kPoints + x) * t.product_stride);
    }
    Lanes outputs[kOutputsH];
    AxisH::transform_output(column, outputs);
#pragma GCC unroll 4
    for (int y = 0; y < kOutputsH; ++y) half[y][x] = outputs[y];
  }
  const Lanes bias = t.epilogue.bias != nullptr ? Lanes::load(t.epilogue.bias) : Lanes(0);
  const bool plain = is_plain(t.epilogue) && t.columns == kOutputsW && t.channels == kLanes;
  const bool relu = t.epilogue.activation.kind == Activation::Kind::relu;
#pragma GCC unroll 1
  for (int y = 0; y < t.rows; ++y) {
    Lanes outputs[kOutputsW];
    AxisW::transform_output(half[y], outputs);
    float* to = t.out + y * t.row_stride;
    if (plain) {
#pragma GCC unroll 4
      for (int x = 0; x < kOutputsW; ++x) {
        finish_plain(relu, outputs[x] + bias).store(to + x * t.column_stride);
      }
      continue;
    }
    const float* residual = t.epilogue.residual + y * t.residual_row_stride;
#pragma GCC unroll 4
    for (int x = 0; x < kOutputsW; ++x) {
      if (x >= t.columns) break;
      finish(t.epilogue, outputs[x] + bias, 0, t.channels, residual + x * t.residual_column_stride)
          .store(to + x * t.column_stride, t.channels);
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
