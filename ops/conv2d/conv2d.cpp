#include "hewn/ops/conv2d/conv2d.h"

#include "hewn/ops/conv2d/direct.h"
#include "hewn/ops/conv2d/winograd.h"
#include "hewn/runtime/error.h"

namespace hewn {

namespace {

Work count_work(ConstView x, const PackedConv2d& conv, const Nhwc& y) {
  const auto macs = static_cast<double>(y.count()) *
                    static_cast<double>(conv.kernel_h() * conv.kernel_w() * conv.in_channels() /
                                        conv.params().groups);
  const double weights = macs / static_cast<double>(std::max<std::int64_t>(y.pixels(), 1));
  return {2 * macs, 4 * (static_cast<double>(x.shape.count() + y.count()) + weights)};
}

}  // namespace

void conv2d(ConstView x, const PackedConv2d& conv, View y, Context& ctx,
            std::optional<ConstView> residual) {
  const Nhwc expected = conv.output_shape(x.shape);
  require(y.shape == expected, "conv2d ", conv.name(), ": expected an output of ", expected,
          ", got ", y.shape);
  require(!residual || residual->shape == expected, "conv2d ", conv.name(),
          ": expected a residual of ", expected, ", got ", residual ? residual->shape : Nhwc{});
  if (expected.count() == 0) return;
  const ProfileScope profile(ctx.profiler(), "conv2d", conv.name(), count_work(x, conv, expected));
  if (conv.winograd() != nullptr && !ctx.precise()) {
    conv2d_winograd(x, conv, y, ctx, residual);
  } else {
    conv2d_direct(x, conv, y, ctx, residual);
  }
}

}  // namespace hewn
