#include "hewn/models/layers/conv_layer.h"

#include "hewn/ops/conv_chain/conv_chain.h"

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
  const ConvLink links[] = {Conv2dLink{&a.conv()}, Conv2dLink{&b.conv(), /*max_pool=*/true}};
  const View y = ctx.arena().view(conv_chain_output_shape(x.shape, links));
  conv_chain_depth_first(x, links, y, ctx);
  return y;
}

}  // namespace hewn
