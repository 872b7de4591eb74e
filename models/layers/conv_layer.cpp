#include "hewn/models/layers/conv_layer.h"

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
  conv2d(x, conv_, y, ctx);
  ctx.trace(conv_.name(), y);
  return y;
}

}  // namespace hewn
