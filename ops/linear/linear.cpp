#include "hewn/ops/linear/linear.h"

#include "hewn/runtime/error.h"

#include <algorithm>
#include <utility>

namespace hewn {

namespace {

void check_size(const std::string& name, const char* what, std::span<const float> values,
                std::int64_t expected) {
  require(values.size() == static_cast<std::size_t>(expected), "linear ", name, ": ", what,
          ": expected ", expected, " values, got ", values.size());
}

}  // namespace

PackedLinear::PackedLinear(std::string name, const LinearWeights& weights,
                           const Activation& activation)
    : name_(std::move(name)), activation_(activation) {
  const Shape& shape = weights.shape;
  require(shape.rank() == 2, "linear ", name_, ": weight: expected rank 2 (out, in), got shape ",
          shape);
  out_features_ = shape[0];
  in_features_ = shape[1];
  check_size(name_, "weight", weights.weight, shape.count());
  if (!weights.bias.empty()) check_size(name_, "bias", weights.bias, out_features_);
  if (shape.count() > 0) {
    convolution_.emplace(name_, Conv2dParams{.activation = activation},
                         Conv2dWeights{.shape = {out_features_, in_features_, 1, 1},
                                       .weight = weights.weight,
                                       .bias = weights.bias});
    return;
  }
  constant_ = Tensor({1, 1, 1, out_features_});
  fill(constant_.view(), 0);
  std::copy(weights.bias.begin(), weights.bias.end(), constant_.values().begin());
}

void linear(ConstView x, const PackedLinear& layer, View y, Context& ctx) {
  require(x.shape.c == layer.in_features(), "linear ", layer.name(), ": expected ",
          layer.in_features(), " inputs, got ", x.shape);
  const Nhwc shape{x.shape.n, x.shape.h, x.shape.w, layer.out_features()};
  require(y.shape == shape, "linear ", layer.name(), ": expected an output of ", shape, ", got ",
          y.shape);
  if (shape.count() == 0) return;  // a convolution has no picture without pixels
  if (layer.convolution()) return conv2d(x, *layer.convolution(), y, ctx);
  const std::span<const float> constant = layer.constant();
  for (std::int64_t p = 0; p < shape.pixels(); ++p) {
    std::copy(constant.begin(), constant.end(), y.data + p * y.pixel_stride);
  }
  activate(y, layer.activation(), y, ctx);
}

}  // namespace hewn
