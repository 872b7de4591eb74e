#include "hewn/ops/activation/activation.h"

#include "hewn/ops/activation/kernels.h"
#include "hewn/ops/elementwise/blocks.h"
#include "hewn/runtime/error.h"
#include "hewn/runtime/isa/kernels.h"

namespace hewn {

void activate(ConstView x, const Activation& activation, View y, Context& ctx) {
  require(y.shape == x.shape, "activate: expected an output of ", x.shape, ", got ", y.shape);
  const auto count = static_cast<double>(x.shape.count());
  const ProfileScope profile(ctx.profiler(), "activate", "", {.flops = count, .bytes = 8 * count});
  const auto& kernels = select_kernels<ActivationKernels>(ctx.isa());
  for_each_block(ctx, x.shape, x.dense() && y.dense(), [&](const Block& block) {
    kernels.activate(activation, {block.in(x), x.pixel_stride, block.in(y), y.pixel_stride,
                                  block.pixels, block.channels});
  });
}

}  // namespace hewn
