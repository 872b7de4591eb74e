#include "hewn/models/layers/layer_source.h"

#include "hewn/runtime/error.h"

#include <algorithm>
#include <cmath>
#include <optional>

namespace hewn {

namespace {

/// The file, once it is known to hold this kind of model.
const SafetensorsFile& checked(const SafetensorsFile& file, std::string_view model) {
  const std::string& kind = file.metadata_at("hewn.model");
  require(kind == model, file.path().string(), ": expected the weights of a ", model,
          " model, got those of a ", kind, " model");
  return file;
}

}  // namespace

OwnedConv2dWeights LayerSource::conv_weights(const std::string& name, const Shape& shape) {
  return weights(name, shape, {.out = shape[0], .in = shape[1] * shape[2] * shape[3]});
}

ConvLayer LayerSource::conv(const std::string& name, std::int64_t in, std::int64_t out,
                            const ConvOptions& options) {
  const std::int64_t padding = options.dilation * (options.kernel / 2);
  return conv(name, {out, in, options.kernel, options.kernel},
              {.stride_h = options.stride,
               .stride_w = options.stride,
               .padding_h = padding,
               .padding_w = padding,
               .dilation_h = options.dilation,
               .dilation_w = options.dilation,
               .activation = options.activation});
}

ConvLayer LayerSource::conv(const std::string& name, const Shape& shape,
                            const Conv2dParams& params) {
  Conv2dParams packed = params;
  packed.packing = packing_;
  return ConvLayer({name, packed, conv_weights(name, shape).spans()});
}

NormedConv LayerSource::normed_conv(const std::string& name, std::int64_t in, std::int64_t out,
                                    ConvNorm norm, const ConvOptions& options) {
  if (norm == ConvNorm::none) return {conv(name, in, out, options), std::nullopt};
  ConvOptions bare = options;
  bare.activation = {};
  return {conv(name, in, out, bare), InstanceNormParams{.activation = options.activation}};
}

ConvTransposeLayer LayerSource::conv_transpose(const std::string& name, const Shape& shape,
                                               const ConvTranspose2dParams& params) {
  ConvTranspose2dParams packed = params;
  packed.packing = packing_;
  const std::int64_t taps = shape[2] * shape[3] / (params.stride_h * params.stride_w);
  const Fan fan{.out = shape[1] * params.groups, .in = shape[0] / params.groups * taps};
  return ConvTransposeLayer({name, packed, weights(name, shape, fan).spans()});
}

ConvGruLayer LayerSource::conv_gru(const std::string& name, const std::string& suffix,
                                   const Shape& shape, std::int64_t constants) {
  const auto weights_of = [&](const char* gate) {
    return conv_weights(text_of(name, ".conv", gate, suffix), shape);
  };
  const OwnedConv2dWeights z = weights_of("z");
  const OwnedConv2dWeights r = weights_of("r");
  const OwnedConv2dWeights q = weights_of("q");
  return ConvGruLayer(
      {name + suffix,
       {.shape = shape, .z = {z.weight, z.bias}, .r = {r.weight, r.bias}, .q = {q.weight, q.bias}},
       constants,
       packing_});
}

FileLayers::FileLayers(const SafetensorsFile& file, std::string_view model, Conv2dPacking packing,
                       LinearPrecision precision)
    : LayerSource(packing), tensors_(checked(file, model)), config_(file), precision_(precision) {}

OwnedConv2dWeights FileLayers::weights(const std::string& name, const Shape& shape,
                                       const Fan& fan) {
  const Shape channels{fan.out};
  OwnedConv2dWeights weights{.shape = shape,
                             .weight = tensors_.values(name + ".weight", shape),
                             .bias = tensors_.values(name + ".bias", channels),
                             .scale = {},
                             .shift = {}};
  if (tensors_.has(name + ".scale")) {
    weights.scale = tensors_.values(name + ".scale", channels);
    weights.shift = tensors_.values(name + ".shift", channels);
  }
  return weights;
}

LinearLayer FileLayers::linear(const std::string& name, const Shape& shape,
                               const Activation& activation) {
  const StoredMatrix weight = tensors_.matrix(name + ".weight", shape);
  const std::vector<float> bias = tensors_.values(name + ".bias", Shape{shape[0]});
  return LinearLayer({name, weight.rows(0, shape[0], bias), activation, precision_});
}

LayerNormLayer FileLayers::layer_norm(const std::string& name, std::int64_t channels) {
  std::vector<float> weight = tensors_.values(name + ".weight", Shape{channels});
  return {name, std::move(weight), tensors_.values(name + ".bias", Shape{channels})};
}

OwnedConv2dWeights RandomLayers::weights(const std::string& name, const Shape& shape,
                                         const Fan& fan) {
  const auto gain = std::ranges::find_if(gains_, [&](const Gain& candidate) {
    return name.find(candidate.part) != std::string::npos;
  });
  const auto fan_in = static_cast<double>(fan.in);
  // A uniform distribution from −b to b has the variance b² / 3.
  const double bound = (gain == gains_.end() ? kReluGain : gain->gain) * std::sqrt(3 / fan_in);
  OwnedConv2dWeights weights{.shape = shape,
                             .weight = std::vector<float>(static_cast<std::size_t>(shape.count())),
                             .bias = std::vector<float>(static_cast<std::size_t>(fan.out)),
                             .scale = {},
                             .shift = {}};
  for (float& value : weights.weight) value = static_cast<float>(random_.uniform(-bound, bound));
  for (float& value : weights.bias) value = static_cast<float>(random_.uniform(-0.1, 0.1));
  return weights;
}

}  // namespace hewn
