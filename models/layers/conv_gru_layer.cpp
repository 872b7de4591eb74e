#include "hewn/models/layers/conv_gru_layer.h"

namespace hewn {

View ConvGruLayer::constants(ConstView x, Context& ctx) const {
  const Nhwc& s = x.shape;
  const View y = ctx.arena().view({s.n, s.h, s.w, 3 * gru_.hidden()});
  conv_gru_constants(x, gru_, y, ctx);
  return y;
}

void ConvGruLayer::operator()(View state, ConstView constants, Context& ctx) const {
  conv_gru(state, constants, gru_, ctx);
}

}  // namespace hewn
