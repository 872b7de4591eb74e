// What each kind of link of a chain does, one overload for each. Internal: not installed.
#pragma once

#include "hewn/ops/conv2d/call.h"
#include "hewn/ops/conv2d/winograd.h"
#include "hewn/ops/conv2d/work.h"
#include "hewn/ops/conv_chain/conv_chain.h"
#include "hewn/ops/conv_transpose2d/call.h"

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <string>

namespace hewn::link {

/// Rows, or columns, [begin, end) of a map.
struct Range {
  std::int64_t begin = 0, end = 0;

  std::int64_t size() const { return end - begin; }
  Range scaled(std::int64_t by) const { return {by * begin, by * end}; }
  /// What is in [0, size), and one at least, so that nobody is handed an empty map.
  Range inside(std::int64_t size) const {
    const std::int64_t first = std::clamp<std::int64_t>(begin, 0, size - 1);
    return {first, std::clamp(end, first + 1, size)};
  }
};

/// A window of a map.
struct Window {
  Range rows, columns;

  template <typename AnyView>
  AnyView of(AnyView map) const {
    return map.window(rows.begin, columns.begin, rows.size(), columns.size());
  }
};

inline std::int64_t scale(const Conv2dLink& link) { return link.max_pool ? 2 : 1; }

// The shape of the result.

inline Nhwc output_shape(const Conv2dLink& link, const Nhwc& x) {
  const Nhwc y = link.conv->output_shape(x);
  return link.max_pool ? pool2d_output_shape(y, kHalve) : y;
}
inline Nhwc output_shape(const PackedConvTranspose2d* conv, const Nhwc& x) {
  return conv->output_shape(x);
}

// Windows of the result, whose shape is y, that begin at a multiple of the tile have the bits of
// the whole map; those of a transposed convolution have all columns. Throws Error unless there are
// weights for the Context.

inline Conv2dTile tile(const Conv2dLink& link, const Nhwc& y, const Context& ctx) {
  check_conv2d(*link.conv, y, y, ctx);
  const std::int64_t by = scale(link);
  const Conv2dTile of_map = conv2d_tile(*link.conv, ctx);
  return {std::lcm(of_map.h, by) / by, std::lcm(of_map.w, by) / by};
}
inline Conv2dTile tile(const PackedConvTranspose2d* conv, const Nhwc& y, const Context& ctx) {
  check_conv_transpose2d(*conv, y, y, ctx);
  return {conv_transpose2d_rows_of_tile(*conv, ctx), y.w};
}

// What a window of the result sees of x.

inline Range seen(const Range& y, std::int64_t kernel, std::int64_t stride, std::int64_t padding,
                  std::int64_t dilation) {
  const std::int64_t last = (y.end - 1) * stride - padding + (kernel - 1) * dilation;
  return {y.begin * stride - padding, last + 1};
}
inline Window seen(const Conv2dLink& link, const Window& y, const Nhwc& x) {
  const PackedConv2d& conv = *link.conv;
  const Conv2dParams& p = conv.params();
  const Range rows = y.rows.scaled(scale(link));
  const Range columns = y.columns.scaled(scale(link));
  return {seen(rows, conv.kernel_h(), p.stride_h, p.padding_h, p.dilation_h).inside(x.h),
          seen(columns, conv.kernel_w(), p.stride_w, p.padding_w, p.dilation_w).inside(x.w)};
}
inline Window seen(const PackedConvTranspose2d* conv, const Window& y, const Nhwc& x) {
  // Input i contributes to i · stride − padding + tap · dilation.
  const ConvTranspose2dParams& p = conv->params();
  const std::int64_t reach = (conv->kernel_h() - 1) * p.dilation_h;
  const std::int64_t first = std::max<std::int64_t>(y.rows.begin + p.padding_h - reach, 0);
  const Range rows{divide_up(first, p.stride_h), (y.rows.end - 1 + p.padding_h) / p.stride_h + 1};
  return {rows.inside(x.h), {0, x.w}};
}

// How many weights the algorithm reads.

inline std::int64_t weights(const Conv2dLink& link) {
  const PackedConv2d& conv = *link.conv;
  const std::int64_t products = conv.winograd() != nullptr
                                    ? winograd_tile(conv.algorithm()).products()
                                    : conv.kernel_h() * conv.kernel_w();
  return products * conv.in_channels() * conv.out_channels();
}
inline std::int64_t weights(const PackedConvTranspose2d* conv) {
  return conv->kernel_h() * conv->kernel_w() * conv->in_channels() * conv->out_channels();
}

// Makes a window of the result, whose whole shape is `map`, from a window of x that has all it
// sees; profiled, and shown to the trace.

inline void make(const Conv2dLink& link, ConstView x, const Window& x_at, View y,
                 const Window& y_at, const Nhwc& map, Context& ctx) {
  const PackedConv2d& conv = *link.conv;
  const Conv2dParams& p = conv.params();
  const std::int64_t by = scale(link);
  const Nhwc unpooled{1, by * y.shape.h, by * y.shape.w, y.shape.c};
  const Conv2dCall call{
      .x = x,
      .conv = conv,
      .y = y,
      .padding_top = p.padding_h - by * y_at.rows.begin * p.stride_h + x_at.rows.begin,
      .padding_left = p.padding_w - by * y_at.columns.begin * p.stride_w + x_at.columns.begin};
  const ProfileScope profile(ctx.profiler(), "conv2d", conv.name(),
                             conv2d_work(x.shape, conv, unpooled));
  link.max_pool ? conv2d_run_pooled(call, unpooled, ctx) : conv2d_run(call, ctx);
  if (!ctx.tracer().on()) return;
  ctx.tracer().show(conv.name() + (link.max_pool ? ".max_pool" : ""), y, map, y_at.rows.begin,
                    y_at.columns.begin);
}

inline void make(const PackedConvTranspose2d* conv, ConstView x, const Window& x_at, View y,
                 const Window& y_at, const Nhwc& map, Context& ctx) {
  const ProfileScope profile(ctx.profiler(), "conv_transpose2d", conv->name(),
                             conv_transpose2d_work(x.shape, *conv, y.shape));
  const std::int64_t x_row = x_at.rows.begin;
  const std::int64_t y_row = y_at.rows.begin;
  conv_transpose2d_run({.x = x, .conv = *conv, .y = y, .x_row = x_row, .y_row = y_row}, ctx);
  ctx.tracer().show(conv->name(), y, map, y_row, 0);
}

}  // namespace hewn::link
