#include "hewn/models/layers/conv_layer.h"

#include "hewn/ops/pool2d/pool2d.h"

namespace hewn {

View ConvLayer::operator()(ConstView x, Context& ctx) const {
  const View y = ctx.arena().view(conv_.output_shape(x.shape));
  (*this)(x, y, ctx);
  return y;
}

void ConvLayer::operator()(ConstView x, View y, Context& ctx) const {
  (*this)(x, Addends{}, y, ctx);
}

void ConvLayer::operator()(ConstView x, const Addends& addends, View y, Context& ctx) const {
  conv2d(x, addends, conv_, y, ctx);
  if (traced_) ctx.trace(conv_.name(), y);
}

void ConvTransposeLayer::operator()(ConstView x, View y, Context& ctx) const {
  conv_transpose2d(x, conv_, y, ctx);
  ctx.trace(conv_.name(), y);
}

View conv_conv_max_pool(const ConvLayer& a, const ConvLayer& b, ConstView x, Context& ctx) {
  const Nhwc map = b.output_shape(a.output_shape(x.shape));
  const View y = ctx.arena().view(pool2d_output_shape(map, kHalve));
  for (std::int64_t n = 0; n < x.shape.n; ++n) {
    const auto part = TracedPart::images(ctx.tracer(), n, x.shape.n);
    conv2d_pair_max_pool(x.image(n), a.conv(), b.conv(), y.image(n), ctx);
  }
  return y;
}

}  // namespace hewn
