#include "hewn/models/layers/linear_layer.h"

namespace hewn {

View LinearLayer::operator()(ConstView x, Context& ctx) const {
  const Nhwc& s = x.shape;
  const View y = ctx.arena().view({s.n, s.h, s.w, out_features()});
  (*this)(x, y, ctx);
  return y;
}

void LinearLayer::operator()(ConstView x, View y, Context& ctx) const {
  (*this)(x, Addends{}, y, ctx);
}

void LinearLayer::operator()(ConstView x, const Addends& addends, View y, Context& ctx) const {
  linear(x, addends, linear_, y, ctx);
}

void LayerNormLayer::operator()(ConstView x, View y, Context& ctx) const {
  layer_norm(x, {.weight = weight_, .bias = bias_}, y, ctx);
}

}  // namespace hewn
