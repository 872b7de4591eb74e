#include "hewn/ops/pool2d/pool2d.h"

#include "hewn/ops/pool2d/kernels.h"
#include "hewn/ops/pool2d/max_sliding.h"
#include "hewn/runtime/error.h"
#include "hewn/runtime/isa/kernels.h"
#include "hewn/runtime/operands.h"
#include "hewn/runtime/parallel.h"

#include <algorithm>
#include <limits>

namespace hewn {

namespace {

/// One axis of the parameters, with its name for messages.
struct Axis {
  const char* name;
  std::int64_t side, kernel, stride, padding;
};

void check_axis(const Axis& a) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();
  require(a.kernel >= 1 && a.kernel <= kMost, "pool2d: kernel_", a.name, ": expected 1 to ", kMost,
          ", got ", a.kernel);
  require(a.stride >= 1 && a.stride <= kMost, "pool2d: stride_", a.name, ": expected 1 to ", kMost,
          ", got ", a.stride);
  require(a.padding >= 0 && a.padding <= a.kernel / 2, "pool2d: padding_", a.name,
          ": expected 0 to ", a.kernel / 2, " (half of kernel_", a.name, " ", a.kernel, "), got ",
          a.padding);
}

std::int64_t output_side(const Axis& a, bool ceil_mode) {
  check_axis(a);
  require(a.side >= 1, "pool2d: ", a.name, ": expected at least 1, got ", a.side);
  const std::int64_t padded = checked_add(a.side, 2 * a.padding, "padded input");
  // With ceil_mode, less than a stride of the last window may hang over, be it the only one.
  const std::int64_t overhang = ceil_mode ? a.stride - 1 : 0;
  const std::int64_t reach = checked_add(padded, overhang, "padded input");
  require(reach >= a.kernel, "pool2d: a side ", a.name, " of ", a.side, " with padding ", a.padding,
          " is smaller than the kernel of ", a.kernel);
  const std::int64_t steps = (reach - a.kernel) / a.stride;
  // A last window that would start in the right (lower) padding, seeing nothing, is dropped.
  const bool last_sees_nothing = ceil_mode && steps * a.stride >= a.side + a.padding;
  return last_sees_nothing ? steps : steps + 1;
}

/// Runs a row kernel for every row of y.
void pool_rows(ConstView x, const Pool2dParams& p, View y, Context& ctx,
               void (*kernel)(const PoolRow&)) {
  parallel_for(ctx, y.shape.n * y.shape.h, 1, [&](std::int64_t begin, std::int64_t end, int) {
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t image = i / y.shape.h;
      const std::int64_t oy = i % y.shape.h;
      const std::int64_t start = oy * p.stride_h - p.padding_h;
      const std::int64_t first = std::max<std::int64_t>(start, 0);
      const std::int64_t last = std::min(start + p.kernel_h, x.shape.h);
      const std::int64_t padded_last = std::min(start + p.kernel_h, x.shape.h + p.padding_h);
      kernel({
          .in = x.pixel(image, first, 0),
          .rows = last - first,
          .width = x.shape.w,
          .row_stride = x.row_stride,
          .pixel_stride = x.pixel_stride,
          .kernel_w = p.kernel_w,
          .stride_w = p.stride_w,
          .padding_w = p.padding_w,
          .out = y.pixel(image, oy, 0),
          .out_width = y.shape.w,
          .out_stride = y.pixel_stride,
          .channels = y.shape.c,
          .counted_rows = p.count_include_pad ? padded_last - start : last - first,
          .count_include_pad = p.count_include_pad,
      });
    }
  });
}

void check(const char* op, ConstView x, const Pool2dParams& params, ConstView y) {
  const Nhwc expected = pool2d_output_shape(x.shape, params);
  require(y.shape == expected, op, ": expected an output of ", expected, ", got ", y.shape);
  check_operands(op, "", {{"x", x}}, y);
}

Work count_work(const Nhwc& x, const Pool2dParams& p, const Nhwc& y) {
  const auto outputs = static_cast<double>(y.count());
  return {outputs * static_cast<double>(p.kernel_h) * static_cast<double>(p.kernel_w),
          4 * (static_cast<double>(x.count()) + outputs)};
}

}  // namespace

Nhwc pool2d_output_shape(const Nhwc& x, const Pool2dParams& p) {
  return {x.n, output_side({"h", x.h, p.kernel_h, p.stride_h, p.padding_h}, p.ceil_mode),
          output_side({"w", x.w, p.kernel_w, p.stride_w, p.padding_w}, p.ceil_mode), x.c};
}

void max_pool2d(ConstView x, const Pool2dParams& params, View y, Context& ctx) {
  check("max_pool2d", x, params, y);
  if (y.shape.count() == 0) return;
  const ProfileScope profile(ctx.profiler(), "max_pool2d", "",
                             count_work(x.shape, params, y.shape));
  if (is_sliding(x.shape, params)) {
    max_pool2d_sliding(x, params, y, ctx);
  } else {
    pool_rows(x, params, y, ctx, select_kernels<Pool2dKernels>(ctx.isa()).max_row);
  }
}

void avg_pool2d(ConstView x, const Pool2dParams& params, View y, Context& ctx) {
  check("avg_pool2d", x, params, y);
  if (y.shape.count() == 0) return;
  const ProfileScope profile(ctx.profiler(), "avg_pool2d", "",
                             count_work(x.shape, params, y.shape));
  pool_rows(x, params, y, ctx, select_kernels<Pool2dKernels>(ctx.isa()).avg_row);
}

}  // namespace hewn
