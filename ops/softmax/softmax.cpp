#include "hewn/ops/softmax/softmax.h"

#include "hewn/ops/elementwise/blocks.h"
#include "hewn/ops/softmax/kernels.h"
#include "hewn/runtime/error.h"
#include "hewn/runtime/isa/kernels.h"

namespace hewn {

void softmax(ConstView x, View y, Context& ctx) {
  require(y.shape == x.shape, "softmax: expected an output of ", x.shape, ", got ", y.shape);
  const auto count = static_cast<double>(x.shape.count());
  // An element is compared, subtracted, raised, added and divided.
  const ProfileScope profile(ctx.profiler(), "softmax", "",
                             {.flops = 5 * count, .bytes = 8 * count});
  const auto& kernels = select_kernels<SoftmaxKernels>(ctx.isa());
  for_each_pixel_block(ctx, x.shape, [&](const Block& block) {
    kernels.softmax(
        {block.in(x), x.pixel_stride, block.in(y), y.pixel_stride, block.pixels, block.channels});
  });
}

}  // namespace hewn
