#include "hewn/ops/softmax/softmax.h"

#include "hewn/ops/elementwise/blocks.h"
#include "hewn/ops/softmax/kernels.h"
#include "hewn/runtime/error.h"
#include "hewn/runtime/isa/kernels.h"
#include "hewn/runtime/operands.h"

namespace hewn {

void softmax(ConstView x, View y, Context& ctx) {
  require(y.shape == x.shape, "softmax: expected an output of ", x.shape, ", got ", y.shape);
  check_operands("softmax", "", {{"x", x, Overlap::in_place}}, y);
  const auto count = static_cast<double>(x.shape.count());
  // An element is compared, subtracted, raised, added and divided.
  const ProfileScope profile(ctx.profiler(), "softmax", "",
                             {.flops = 5 * count, .bytes = 8 * count});
  const auto& kernels = select_kernels<SoftmaxKernels>(ctx.isa());
  for_each_pixel_run(ctx, x, y, kernels.softmax);
}

}  // namespace hewn
