#include "hewn/ops/conv2d/algorithm.h"

#include "hewn/ops/conv2d/call.h"
#include "hewn/ops/conv2d/direct.h"
#include "hewn/ops/conv2d/winograd.h"
#include "hewn/runtime/error.h"

#include <array>

namespace hewn {

namespace {

/// Best first; where none applies, direct. F(2×2, 3×3) is not among them: README.md has the
/// measurements.
constexpr std::array kChoices{Conv2dAlgorithm::winograd_4x4_3x3, Conv2dAlgorithm::winograd_3x3s2,
                              Conv2dAlgorithm::winograd_1x4_1x5, Conv2dAlgorithm::winograd_4x1_5x1};

}  // namespace

std::string_view conv2d_algorithm_name(Conv2dAlgorithm algorithm) {
  switch (algorithm) {
    case Conv2dAlgorithm::winograd_4x4_3x3:
      return "winograd_4x4_3x3";
    case Conv2dAlgorithm::winograd_2x2_3x3:
      return "winograd_2x2_3x3";
    case Conv2dAlgorithm::winograd_3x3s2:
      return "winograd_3x3s2";
    case Conv2dAlgorithm::winograd_1x4_1x5:
      return "winograd_1x4_1x5";
    case Conv2dAlgorithm::winograd_4x1_5x1:
      return "winograd_4x1_5x1";
    case Conv2dAlgorithm::direct:
      break;
  }
  return "direct";
}

Conv2dAlgorithm choose_conv2d_algorithm(const std::string& name, const Conv2dParams& params,
                                        const Shape& weights) {
  if (params.algorithm) {
    require(*params.algorithm == Conv2dAlgorithm::direct ||
                winograd_applies(*params.algorithm, params, weights),
            "conv2d ", name, ": ", conv2d_algorithm_name(*params.algorithm),
            " cannot compute a convolution with weights of ", weights, ", stride ", params.stride_h,
            "×", params.stride_w, " and ", params.groups, " groups");
    return *params.algorithm;
  }
  if (weights[1] >= kEnoughInputChannels) {
    for (const Conv2dAlgorithm algorithm : kChoices) {
      if (winograd_applies(algorithm, params, weights)) return algorithm;
    }
  }
  return Conv2dAlgorithm::direct;
}

Conv2dAlgorithm conv2d_algorithm(const PackedConv2d& conv, const Context& ctx) {
  return ctx.precise() ? Conv2dAlgorithm::direct : conv.algorithm();
}

Conv2dTile conv2d_tile(const PackedConv2d& conv, const Context& ctx) {
  const Conv2dAlgorithm algorithm = conv2d_algorithm(conv, ctx);
  if (algorithm == Conv2dAlgorithm::direct) return {};
  const WinogradTile tile = winograd_tile(algorithm);
  return {tile.outputs_h * conv.params().dilation_h, tile.outputs_w * conv.params().dilation_w};
}

bool conv2d_pools(const PackedConv2d& conv, const Context& ctx) {
  const Conv2dTile tile = conv2d_tile(conv, ctx);
  return tile.h % 2 == 0 && tile.w % 2 == 0 && conv.params().dilation_h == 1 &&
         conv.params().dilation_w == 1;
}

void conv2d_run(const Conv2dCall& call, Context& ctx) {
  if (conv2d_algorithm(call.conv, ctx) == Conv2dAlgorithm::direct) {
    conv2d_direct(call, ctx);
  } else {
    conv2d_winograd(call, ctx);
  }
}

void conv2d_run_pooled(Conv2dCall call, const Nhwc& unpooled, Context& ctx) {
  call.max_pool = conv2d_pools(call.conv, ctx);
  if (call.max_pool) return conv2d_run(call, ctx);
  const Arena::Scope scope(ctx.arena());
  const View pooled = call.y;
  call.y = ctx.arena().view(unpooled);
  conv2d_run(call, ctx);
  max_pool2d(call.y, kHalve, pooled, ctx);
}

}  // namespace hewn
