#include "hewn/ops/conv2d/conv2d.h"

#include "hewn/ops/conv2d/call.h"
#include "hewn/ops/conv2d/work.h"
#include "hewn/runtime/error.h"

namespace hewn {

void require_conv2d_output(const PackedConv2d& conv, const Nhwc& got, const Nhwc& expected) {
  require(got == expected, "conv2d ", conv.name(), ": expected an output of ", expected, ", got ",
          got);
}

void conv2d(ConstView x, const PackedConv2d& conv, View y, Context& ctx, const Addends& addends) {
  const Nhwc expected = conv.output_shape(x.shape);
  require_conv2d_output(conv, y.shape, expected);
  for (const auto& addend : {addends.before, addends.after}) {
    require(!addend || addend->shape == expected, "conv2d ", conv.name(),
            ": expected an addend of ", expected, ", got ", addend ? addend->shape : Nhwc{});
  }
  if (expected.count() == 0) return;
  const ProfileScope profile(ctx.profiler(), "conv2d", conv.name(),
                             conv2d_work(x.shape, conv, expected));
  conv2d_run({.x = x, .conv = conv, .y = y, .before = addends.before, .after = addends.after}, ctx);
}

void conv2d_max_pool(ConstView x, const PackedConv2d& conv, View y, Context& ctx) {
  const Nhwc unpooled = conv.output_shape(x.shape);
  require_conv2d_output(conv, y.shape, pool2d_output_shape(unpooled, kHalve));
  if (y.shape.count() == 0) return;
  const ProfileScope profile(ctx.profiler(), "conv2d", conv.name(),
                             conv2d_work(x.shape, conv, unpooled));
  conv2d_run_pooled({.x = x, .conv = conv, .y = y}, unpooled, ctx);
}

}  // namespace hewn
