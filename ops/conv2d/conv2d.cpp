#include "hewn/ops/conv2d/conv2d.h"

#include "hewn/ops/conv2d/call.h"
#include "hewn/ops/conv2d/work.h"
#include "hewn/ops/pool2d/pool2d.h"
#include "hewn/runtime/error.h"

namespace hewn {

namespace {

void require_output(const PackedConv2d& conv, const Nhwc& got, const Nhwc& expected) {
  require(got == expected, "conv2d ", conv.name(), ": expected an output of ", expected, ", got ",
          got);
}

}  // namespace

void conv2d(ConstView x, const PackedConv2d& conv, View y, Context& ctx,
            std::optional<ConstView> residual) {
  const Nhwc expected = conv.output_shape(x.shape);
  require_output(conv, y.shape, expected);
  require(!residual || residual->shape == expected, "conv2d ", conv.name(),
          ": expected a residual of ", expected, ", got ", residual ? residual->shape : Nhwc{});
  if (expected.count() == 0) return;
  const ProfileScope profile(ctx.profiler(), "conv2d", conv.name(),
                             conv2d_work(x.shape, conv, expected));
  conv2d_run({.x = x, .conv = conv, .y = y, .residual = residual}, ctx);
}

void conv2d_max_pool(ConstView x, const PackedConv2d& conv, View y, Context& ctx) {
  constexpr Pool2dParams kHalve{.kernel_h = 2, .kernel_w = 2, .stride_h = 2, .stride_w = 2};
  const Nhwc unpooled = conv.output_shape(x.shape);
  require_output(conv, y.shape, pool2d_output_shape(unpooled, kHalve));
  if (y.shape.count() == 0) return;
  const ProfileScope profile(ctx.profiler(), "conv2d", conv.name(),
                             conv2d_work(x.shape, conv, unpooled));
  conv2d_run_pooled({.x = x, .conv = conv, .y = y}, unpooled, ctx);
}

}  // namespace hewn
