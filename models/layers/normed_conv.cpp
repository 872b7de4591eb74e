#include "hewn/models/layers/normed_conv.h"

namespace hewn {

void NormedConv::operator()(ConstView x, View y, Context& ctx) const {
  conv_(x, y, ctx);
  if (norm_) instance_norm(y, *norm_, y, ctx);
}

void NormedConv::operator()(ConstView x, const Addends& addends, View y, Context& ctx) const {
  if (!norm_) return conv_(x, addends, y, ctx);
  const Arena::Scope scope(ctx.arena());
  instance_norm(conv_(x, ctx), addends, *norm_, y, ctx);
}

void NormedConv::use_up(View x, const Addends& addends, View y, Context& ctx) const {
  if (!norm_) return conv_(x, addends, y, ctx);
  conv2d_in_place(x, conv_.conv(), ctx);
  instance_norm(x, addends, *norm_, y, ctx);
}

}  // namespace hewn
