#include "hewn/models/layers/conv_layer.h"

#include "hewn/ops/pool2d/pool2d.h"

#include <vector>

namespace hewn {

namespace {

PackedConv2d load(const SafetensorsFile& file, const std::string& name, const Shape& shape,
                  const Conv2dParams& params) {
  std::vector<float> weight;
  std::vector<float> bias;
  std::vector<float> scale;
  std::vector<float> shift;
  const Shape channels{shape[0]};
  Conv2dWeights weights{.shape = shape,
                        .weight = file.floats(name + ".weight", shape, weight),
                        .bias = file.floats(name + ".bias", channels, bias)};
  if (file.find(name + ".scale") != nullptr) {
    weights.scale = file.floats(name + ".scale", channels, scale);
    weights.shift = file.floats(name + ".shift", channels, shift);
  }
  return {name, params, weights};
}

}  // namespace

ConvLayer::ConvLayer(const SafetensorsFile& file, const std::string& name, const Shape& shape,
                     const Conv2dParams& params)
    : conv_(load(file, name, shape, params)) {}

View ConvLayer::operator()(ConstView x, Context& ctx) const {
  const View y = ctx.arena().view(conv_.output_shape(x.shape));
  (*this)(x, y, ctx);
  return y;
}

void ConvLayer::operator()(ConstView x, View y, Context& ctx) const {
  conv2d(x, conv_, y, ctx);
  ctx.trace(conv_.name(), y);
}

View conv_conv_max_pool(const ConvLayer& a, const ConvLayer& b, ConstView x, Context& ctx) {
  const Nhwc map = b.conv().output_shape(a.conv().output_shape(x.shape));
  const View y = ctx.arena().view(pool2d_output_shape(map, kHalve));
  if (ctx.tracing()) {
    const Arena::Scope scope(ctx.arena());
    max_pool2d(b(a(x, ctx), ctx), kHalve, y, ctx);
    return y;
  }
  for (std::int64_t n = 0; n < x.shape.n; ++n) {
    conv2d_pair_max_pool(x.image(n), a.conv(), b.conv(), y.image(n), ctx);
  }
  return y;
}

}  // namespace hewn
