#include "hewn/ops/conv_transpose2d/conv_transpose2d.h"

#include "hewn/ops/conv2d/winograd.h"
#include "hewn/ops/conv_transpose2d/call.h"
#include "hewn/runtime/error.h"
#include "hewn/runtime/operands.h"

#include <numeric>

namespace hewn {

namespace {

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

}  // namespace

Work conv_transpose2d_work(const Nhwc& x, const PackedConvTranspose2d& conv, const Nhwc& y) {
  const ConvTranspose2dParams& p = conv.params();
  const auto taps =
      static_cast<double>(conv.kernel_h() * conv.kernel_w() * conv.in_channels() / p.groups);
  const double macs =
      static_cast<double>(y.count()) * taps / static_cast<double>(p.stride_h * p.stride_w);
  const double weights = taps * static_cast<double>(conv.out_channels());
  return {2 * macs, 4 * (static_cast<double>(x.count() + y.count()) + weights)};
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

void check_conv_transpose2d(const PackedConvTranspose2d& conv, const Nhwc& got,
                            const Nhwc& expected, const Context& ctx) {
  require(got == expected, "conv_transpose2d ", conv.name(), ": expected an output of ", expected,
          ", got ", got);
  require(!ctx.precise() || conv.params().packing != Conv2dPacking::fast, "conv_transpose2d ",
          conv.name(), ": its weights are packed for contexts that are not precise");
}

std::int64_t conv_transpose2d_rows_of_tile(const PackedConvTranspose2d& conv, const Context& ctx) {
  std::int64_t rows = 1;
  if (conv.merged() && !ctx.precise()) {
    rows = conv2d_tile(conv.merged()->conv, ctx).h;
  } else {
    for (const auto& phase : conv.phases()) {
      rows = std::lcm(rows, conv2d_tile(phase.conv, ctx).h);
    }
  }
  return conv.params().stride_h * rows;
}

void conv_transpose2d_run(const ConvTranspose2dCall& call, Context& ctx) {
  const PackedConvTranspose2d& conv = call.conv;
  const ConvTranspose2dParams& p = conv.params();
  const std::int64_t shift = call.x_row - call.y_row / p.stride_h;
  if (conv.merged() && !ctx.precise()) {
    const PackedConvTranspose2d::Merged& merged = *conv.merged();
    return conv2d_winograd(
        {.x = call.x,
         .conv = merged.conv,
         .y = call.y,
         .padding_top = merged.padding_top + shift,
         .padding_left = merged.padding_left,
         .subpixels = {.h = p.stride_h, .w = p.stride_w, .products = merged.products}},
        ctx);
  }
  const View& y = call.y;
  for (const PackedConvTranspose2d::Phase& phase : conv.phases()) {
    // Outputs phase, phase + stride, … of each axis.
    const std::int64_t rows = divide_up(y.shape.h - phase.row, p.stride_h);
    const std::int64_t columns = divide_up(y.shape.w - phase.column, p.stride_w);
    if (rows <= 0 || columns <= 0) continue;
    conv2d_run({.x = call.x,
                .conv = phase.conv,
                .y = {y.pixel(0, phase.row, phase.column),
                      {y.shape.n, rows, columns, y.shape.c},
                      p.stride_w * y.pixel_stride,
                      p.stride_h * y.row_stride,
                      y.image_stride},
                .padding_top = phase.padding_top + shift,
                .padding_left = phase.padding_left},
               ctx);
  }
}

void conv_transpose2d(ConstView x, const PackedConvTranspose2d& conv, View y, Context& ctx) {
  const Nhwc expected = conv.output_shape(x.shape);
  check_conv_transpose2d(conv, y.shape, expected, ctx);
  check_operands("conv_transpose2d", conv.name(), {{"x", x}}, y);
  if (expected.count() == 0) return;
  const ProfileScope profile(ctx.profiler(), "conv_transpose2d", conv.name(),
                             conv_transpose2d_work(x.shape, conv, expected));
  conv_transpose2d_run({.x = x, .conv = conv, .y = y}, ctx);
}

}  // namespace hewn
