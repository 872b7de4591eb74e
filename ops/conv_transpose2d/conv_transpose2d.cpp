#include "hewn/ops/conv_transpose2d/conv_transpose2d.h"

#include "hewn/ops/conv2d/call.h"
#include "hewn/runtime/error.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace hewn {

namespace {

/// There are stride_h × stride_w phases, each with weights of its own.
constexpr std::int64_t kMaxStride = 64;

void check_params(const std::string& name, const ConvTranspose2dParams& p) {
  const auto in_range = [&](const char* what, std::int64_t value, std::int64_t least,
                            std::int64_t most) {
    require(value >= least && value <= most, "conv_transpose2d ", name, ": ", what, ": expected ",
            least, " to ", most, ", got ", value);
  };
  constexpr std::int64_t kAny = INT32_MAX;
  in_range("stride_h", p.stride_h, 1, kMaxStride);
  in_range("stride_w", p.stride_w, 1, kMaxStride);
  in_range("padding_h", p.padding_h, 0, kAny);
  in_range("padding_w", p.padding_w, 0, kAny);
  in_range("dilation_h", p.dilation_h, 1, kAny);
  in_range("dilation_w", p.dilation_w, 1, kAny);
  in_range("output_padding_h", p.output_padding_h, 0, std::max(p.stride_h, p.dilation_h) - 1);
  in_range("output_padding_w", p.output_padding_w, 0, std::max(p.stride_w, p.dilation_w) - 1);
  in_range("groups", p.groups, 1, kAny);
}

/// Along one axis, the taps that the outputs y ≡ phase (mod stride) see. Tap k contributes input i
/// to the output i·stride − padding + k·dilation, so output stride·j + phase sees, through tap k,
/// the input j + (phase + padding − k·dilation) / stride wherever that is an integer. Such taps are
/// stride / gcd apart, and their inputs dilation / gcd.
struct AxisTaps {
  std::vector<std::int64_t> taps;  // in the order of their inputs
  std::int64_t dilation;
  std::int64_t padding = 0;  // before the first output of the phase

  AxisTaps(std::int64_t phase, std::int64_t kernel, std::int64_t stride, std::int64_t out_padding,
           std::int64_t tap_dilation)
      : dilation(tap_dilation / std::gcd(stride, tap_dilation)) {
    for (std::int64_t tap = kernel - 1; tap >= 0; --tap) {
      const std::int64_t offset = phase + out_padding - tap * tap_dilation;
      if (offset % stride != 0) continue;
      if (taps.empty()) padding = -offset / stride;
      taps.push_back(tap);
    }
  }
};

/// The weights [out][in / groups][h][w] of one phase. A phase without taps is one tap of zero: its
/// outputs are those of an empty sum.
PackedConv2d pack_phase(const std::string& name, const ConvTranspose2dParams& p,
                        const Conv2dWeights& weights, const AxisTaps& rows,
                        const AxisTaps& columns) {
  const Shape& from = weights.shape;  // in, out / groups, kernel_h, kernel_w
  const std::int64_t group_in = from[0] / p.groups;
  const std::int64_t group_out = from[1];
  const auto kernel_h = static_cast<std::int64_t>(rows.taps.size());
  const auto kernel_w = static_cast<std::int64_t>(columns.taps.size());
  const bool empty = kernel_h == 0 || kernel_w == 0;
  const Shape shape{p.groups * group_out, group_in, empty ? 1 : kernel_h, empty ? 1 : kernel_w};
  std::vector<float> packed(static_cast<std::size_t>(shape.count()));
  if (!empty) {
    float* to = packed.data();
    for (std::int64_t out = 0; out < shape[0]; ++out) {
      for (std::int64_t k = 0; k < group_in; ++k) {
        const std::int64_t in = out / group_out * group_in + k;
        const float* kernel =
            weights.weight.data() + (in * group_out + out % group_out) * from[2] * from[3];
        for (const std::int64_t row : rows.taps) {
          for (const std::int64_t column : columns.taps) *to++ = kernel[row * from[3] + column];
        }
      }
    }
  }
  return {name,
          {.dilation_h = rows.dilation,
           .dilation_w = columns.dilation,
           .groups = p.groups,
           .activation = p.activation},
          {.shape = shape,
           .weight = packed,
           .bias = weights.bias,
           .scale = weights.scale,
           .shift = weights.shift}};
}

std::int64_t output_side(const std::string& name, std::int64_t side, std::int64_t kernel,
                         std::int64_t stride, std::int64_t padding, std::int64_t dilation,
                         std::int64_t output_padding) {
  const std::int64_t spread = checked_multiply(side - 1, stride, "transposed input");
  const std::int64_t extent = checked_add(checked_multiply(dilation, kernel - 1), 1, "kernel");
  const std::int64_t whole =
      checked_add(checked_add(spread, extent, "result"), output_padding, "result");
  require(side >= 1 && whole > 2 * padding, "conv_transpose2d ", name, ": a side of ", side,
          " with padding ", padding, " leaves nothing of the result");
  return whole - 2 * padding;
}

Work count_work(const Nhwc& x, const PackedConvTranspose2d& conv, const Nhwc& y) {
  const auto weights = static_cast<double>(conv.kernel_h() * conv.kernel_w() * conv.in_channels() *
                                           (conv.out_channels() / conv.params().groups));
  return {2 * weights * static_cast<double>(x.pixels()),
          4 * (static_cast<double>(x.count() + y.count()) + weights)};
}

}  // namespace

PackedConvTranspose2d::PackedConvTranspose2d(std::string name, const ConvTranspose2dParams& params,
                                             const Conv2dWeights& weights)
    : name_(std::move(name)), params_(params) {
  check_params(name_, params_);
  const Shape& shape = weights.shape;
  require(shape.rank() == 4 && shape.count() > 0, "conv_transpose2d ", name_,
          ": weight: expected rank 4 (in, out / groups, h, w) and no empty side, got shape ",
          shape);
  require(shape[0] % params_.groups == 0, "conv_transpose2d ", name_, ": ", shape[0],
          " input channels do not divide into ", params_.groups, " groups");
  require(weights.weight.size() == static_cast<std::size_t>(shape.count()), "conv_transpose2d ",
          name_, ": weight: expected ", shape.count(), " values, got ", weights.weight.size());
  in_channels_ = shape[0];
  out_channels_ = checked_multiply(shape[1], params_.groups, "output channels");
  kernel_h_ = shape[2];
  kernel_w_ = shape[3];
  for (std::int64_t row = 0; row < params_.stride_h; ++row) {
    const AxisTaps rows(row, kernel_h_, params_.stride_h, params_.padding_h, params_.dilation_h);
    for (std::int64_t column = 0; column < params_.stride_w; ++column) {
      const AxisTaps columns(column, kernel_w_, params_.stride_w, params_.padding_w,
                             params_.dilation_w);
      phases_.push_back({.row = row,
                         .column = column,
                         .padding_top = rows.padding,
                         .padding_left = columns.padding,
                         .conv = pack_phase(name_, params_, weights, rows, columns)});
    }
  }
}

Nhwc PackedConvTranspose2d::output_shape(const Nhwc& x) const {
  require(x.c == in_channels_, "conv_transpose2d ", name_, ": expected ", in_channels_,
          " input channels, got ", x.c);
  const ConvTranspose2dParams& p = params_;
  return {
      x.n,
      output_side(name_, x.h, kernel_h_, p.stride_h, p.padding_h, p.dilation_h, p.output_padding_h),
      output_side(name_, x.w, kernel_w_, p.stride_w, p.padding_w, p.dilation_w, p.output_padding_w),
      out_channels_};
}

void conv_transpose2d(ConstView x, const PackedConvTranspose2d& conv, View y, Context& ctx) {
  const Nhwc expected = conv.output_shape(x.shape);
  require(y.shape == expected, "conv_transpose2d ", conv.name(), ": expected an output of ",
          expected, ", got ", y.shape);
  if (expected.count() == 0) return;
  const ProfileScope profile(ctx.profiler(), "conv_transpose2d", conv.name(),
                             count_work(x.shape, conv, expected));
  const Map whole = y;
  const ConvTranspose2dParams& p = conv.params();
  for (const PackedConvTranspose2d::Phase& phase : conv.phases()) {
    // Outputs phase, phase + stride, … of each axis.
    const std::int64_t rows = divide_up(expected.h - phase.row, p.stride_h);
    const std::int64_t columns = divide_up(expected.w - phase.column, p.stride_w);
    if (rows <= 0 || columns <= 0) continue;
    conv2d_run({.x = x,
                .conv = phase.conv,
                .y = {y.pixel(0, phase.row, phase.column),
                      {expected.n, rows, columns, expected.c},
                      whole.image_stride,
                      p.stride_h * whole.row_stride,
                      p.stride_w * whole.pixel_stride},
                .padding_top = phase.padding_top,
                .padding_left = phase.padding_left},
               ctx);
  }
}

}  // namespace hewn
