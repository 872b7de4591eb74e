#include "hewn/ops/activation/activation.h"

#include "hewn/ops/activation/kernels.h"
#include "hewn/ops/elementwise/blocks.h"
#include "hewn/runtime/error.h"
#include "hewn/runtime/isa/kernels.h"
#include "hewn/runtime/operands.h"

namespace hewn {

void activate(ConstView x, const Activation& activation, View y, Context& ctx) {
  require(y.shape == x.shape, "activate: expected an output of ", x.shape, ", got ", y.shape);
  check_operands("activate", "", {{"x", x, Overlap::in_place}}, y);
  const auto count = static_cast<double>(x.shape.count());
  const ProfileScope profile(ctx.profiler(), "activate", "", {.flops = count, .bytes = 8 * count});
  const auto& kernels = select_kernels<ActivationKernels>(ctx.isa());
  for_each_element_run(ctx, x, y, [&](const PixelRun& run) { kernels.activate(activation, run); });
}

}  // namespace hewn
