#include "hewn/ops/normalize/normalize.h"

#include "hewn/ops/elementwise/blocks.h"
#include "hewn/ops/normalize/kernels.h"
#include "hewn/runtime/error.h"
#include "hewn/runtime/isa/kernels.h"

namespace hewn {

void l2_normalize(ConstView x, View y, Context& ctx, float eps) {
  require(y.shape == x.shape, "l2_normalize: expected an output of ", x.shape, ", got ", y.shape);
  require(eps >= 0, "l2_normalize: eps: expected at least 0, got ", eps);
  const auto count = static_cast<double>(x.shape.count());
  // An element is squared, added and divided.
  const ProfileScope profile(ctx.profiler(), "l2_normalize", "",
                             {.flops = 3 * count, .bytes = 8 * count});
  const auto& kernels = select_kernels<NormalizeKernels>(ctx.isa());
  for_each_pixel_block(ctx, x.shape, [&](const Block& block) {
    kernels.l2_normalize(
        {block.in(x), x.pixel_stride, block.in(y), y.pixel_stride, block.pixels, block.channels},
        eps);
  });
}

}  // namespace hewn
