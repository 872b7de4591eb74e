#include "hewn/ops/layer_norm/layer_norm.h"

#include "hewn/ops/elementwise/blocks.h"
#include "hewn/ops/layer_norm/kernels.h"
#include "hewn/runtime/error.h"
#include "hewn/runtime/isa/kernels.h"
#include "hewn/runtime/operands.h"

namespace hewn {

void layer_norm(ConstView x, const LayerNormWeights& weights, View y, Context& ctx) {
  require(y.shape == x.shape, "layer_norm: expected an output of ", x.shape, ", got ", y.shape);
  const auto channels = static_cast<std::size_t>(x.shape.c);
  require(weights.weight.size() == channels && weights.bias.size() == channels,
          "layer_norm: expected weight and bias of ", channels, " channels, got ",
          weights.weight.size(), " and ", weights.bias.size());
  require(weights.eps >= 0, "layer_norm: eps: expected at least 0, got ", weights.eps);
  check_operands("layer_norm", "", {{"x", x, Overlap::in_place}}, y);
  if (x.shape.count() == 0) return;
  const auto count = static_cast<double>(x.shape.count());
  // The mean, the deviations and the normalisation take 1, 4 and 5 operations an element.
  const ProfileScope profile(ctx.profiler(), "layer_norm", "",
                             {.flops = 10 * count, .bytes = 8 * count});
  const auto& kernels = select_kernels<LayerNormKernels>(ctx.isa());
  for_each_pixel_run(ctx, x, y, [&](const PixelRun& run) {
    kernels.layer_norm(run, weights.weight.data(), weights.bias.data(), weights.eps);
  });
}

}  // namespace hewn
