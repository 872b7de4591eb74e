#include "hewn/ops/layer_norm/layer_norm.h"

#include "hewn/ops/elementwise/blocks.h"
#include "hewn/ops/layer_norm/kernels.h"
#include "hewn/runtime/error.h"
#include "hewn/runtime/isa/kernels.h"

namespace hewn {

void layer_norm(ConstView x, const LayerNormWeights& weights, View y, Context& ctx) {
  require(y.shape == x.shape, "layer_norm: expected an output of ", x.shape, ", got ", y.shape);
  const auto channels = static_cast<std::size_t>(x.shape.c);
  require(weights.weight.size() == channels && weights.bias.size() == channels,
          "layer_norm: expected weight and bias of ", channels, " channels, got ",
          weights.weight.size(), " and ", weights.bias.size());
  require(weights.eps >= 0, "layer_norm: eps: expected at least 0, got ", weights.eps);
  if (x.shape.count() == 0) return;
  const auto count = static_cast<double>(x.shape.count());
  // The mean, the deviations and the normalisation take 1, 4 and 5 operations an element.
  const ProfileScope profile(ctx.profiler(), "layer_norm", "",
                             {.flops = 10 * count, .bytes = 8 * count});
  const auto& kernels = select_kernels<LayerNormKernels>(ctx.isa());
  for_each_pixel_block(ctx, x.shape, [&](const Block& block) {
    kernels.layer_norm(
        {block.in(x), x.pixel_stride, block.in(y), y.pixel_stride, block.pixels, block.channels},
        weights.weight.data(), weights.bias.data(), weights.eps);
  });
}

}  // namespace hewn
