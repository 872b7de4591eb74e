#include "hewn/ops/normalize/normalize.h"

#include "hewn/ops/elementwise/blocks.h"
#include "hewn/ops/normalize/kernels.h"
#include "hewn/runtime/error.h"
#include "hewn/runtime/isa/kernels.h"
#include "hewn/runtime/operands.h"

namespace hewn {

void l2_normalize(ConstView x, float eps, View y, Context& ctx) {
  require(y.shape == x.shape, "l2_normalize: expected an output of ", x.shape, ", got ", y.shape);
  require(eps >= 0, "l2_normalize: eps: expected at least 0, got ", eps);
  check_operands("l2_normalize", "", {{"x", x, Overlap::in_place}}, y);
  const auto count = static_cast<double>(x.shape.count());
  // An element is squared, added and divided.
  const ProfileScope profile(ctx.profiler(), "l2_normalize", "",
                             {.flops = 3 * count, .bytes = 8 * count});
  const auto& kernels = select_kernels<NormalizeKernels>(ctx.isa());
  for_each_pixel_run(ctx, x, y, [&](const PixelRun& run) { kernels.l2_normalize(run, eps); });
}

}  // namespace hewn
