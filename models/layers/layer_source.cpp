#include "hewn/models/layers/layer_source.h"

#include "hewn/runtime/error.h"

#include <algorithm>
#include <cmath>

#include <nlohmann/json.hpp>

namespace hewn {

PackedConv2d LayerSource::packed_conv(const std::string& name, const Shape& shape,
                                      const Conv2dParams& params) {
  Conv2dParams packed = params;
  packed.packing = packing_;
  return {name, packed, conv_weights(name, shape).spans()};
}

ConvLayer LayerSource::conv(const std::string& name, const Shape& shape,
                            const Conv2dParams& params) {
  return ConvLayer(packed_conv(name, shape, params));
}

PackedConvGru LayerSource::conv_gru(const std::string& name, const std::string& suffix,
                                    const Shape& shape, std::int64_t constants) {
  const auto weights = [&](const char* gate) {
    return conv_weights(concat(name, ".conv", gate, suffix), shape);
  };
  const ConvWeights z = weights("z");
  const ConvWeights r = weights("r");
  const ConvWeights q = weights("q");
  return {
      name + suffix,
      {.shape = shape, .z = {z.weight, z.bias}, .r = {r.weight, r.bias}, .q = {q.weight, q.bias}},
      constants,
      packing_};
}

FileLayers::FileLayers(const SafetensorsFile& file, std::string_view model, Conv2dPacking packing)
    : LayerSource(packing), file_(file), config_(file.metadata_at("hewn.config")) {
  const std::string& kind = file.metadata_at("hewn.model");
  require(kind == model, file.path().string(), ": expected the weights of a ", model,
          " model, got those of a ", kind, " model");
}

std::string FileLayers::config(const std::string& key) const {
  const auto json = nlohmann::json::parse(config_, nullptr, /*allow_exceptions=*/false);
  require(json.is_object(), file_.path().string(), ": hewn.config: expected a JSON object");
  const auto value = json.find(key);
  require(value != json.end() && value->is_string(), file_.path().string(),
          ": hewn.config: expected a string '", key, "'");
  return value->get<std::string>();
}

void FileLayers::expect_config(const std::string& key, std::int64_t value) const {
  const auto json = nlohmann::json::parse(config_, nullptr, /*allow_exceptions=*/false);
  require(json.is_object(), file_.path().string(), ": hewn.config: expected a JSON object");
  const auto found = json.find(key);
  require(found != json.end() && *found == value, file_.path().string(),
          ": hewn.config: expected '", key, "' ", value, ", got ",
          found != json.end() ? found->dump(-1, ' ', /*ensure_ascii=*/true) : "none");
}

ConvWeights FileLayers::conv_weights(const std::string& name, const Shape& shape) {
  layers_.insert(name);
  const auto values = [&](const char* part, const Shape& part_shape) {
    std::vector<float> storage;
    const auto span = file_.floats(concat(name, ".", part), part_shape, storage);
    return storage.empty() ? std::vector<float>(span.begin(), span.end()) : storage;
  };
  const Shape channels{shape[0]};
  ConvWeights weights{.shape = shape,
                      .weight = values("weight", shape),
                      .bias = values("bias", channels),
                      .scale = {},
                      .shift = {}};
  if (file_.find(name + ".scale") != nullptr) {
    weights.scale = values("scale", channels);
    weights.shift = values("shift", channels);
  }
  return weights;
}

void FileLayers::expect_nothing_left() const {
  for (const TensorEntry& tensor : file_.tensors()) {
    const std::string layer = tensor.name.substr(0, tensor.name.rfind('.'));
    require(layers_.contains(layer), file_.path().string(), ": tensor '", tensor.name,
            "' belongs to no layer of this model");
  }
}

ConvWeights RandomLayers::conv_weights(const std::string& name, const Shape& shape) {
  const auto gain = std::ranges::find_if(gains_, [&](const Gain& candidate) {
    return name.find(candidate.part) != std::string::npos;
  });
  const auto fan_in = static_cast<double>(shape[1] * shape[2] * shape[3]);
  // A uniform distribution from −b to b has the variance b² / 3.
  const double bound = (gain == gains_.end() ? kReluGain : gain->gain) * std::sqrt(3 / fan_in);
  ConvWeights weights{.shape = shape,
                      .weight = std::vector<float>(static_cast<std::size_t>(shape.count())),
                      .bias = std::vector<float>(static_cast<std::size_t>(shape[0])),
                      .scale = {},
                      .shift = {}};
  for (float& value : weights.weight) value = static_cast<float>(random_.uniform(-bound, bound));
  for (float& value : weights.bias) value = static_cast<float>(random_.uniform(-0.1, 0.1));
  return weights;
}

}  // namespace hewn
