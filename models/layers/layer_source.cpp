#include "hewn/models/layers/layer_source.h"

#include "hewn/runtime/error.h"

#include <cmath>
#include <vector>

#include <nlohmann/json.hpp>

namespace hewn {

FileLayers::FileLayers(const SafetensorsFile& file, std::string_view model)
    : file_(file), config_(file.metadata_at("hewn.config")) {
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

ConvLayer FileLayers::conv(const std::string& name, const Shape& shape,
                           const Conv2dParams& params) {
  layers_.insert(name);
  return {file_, name, shape, params};
}

void FileLayers::expect_nothing_left() const {
  for (const TensorEntry& tensor : file_.tensors()) {
    const std::string layer = tensor.name.substr(0, tensor.name.rfind('.'));
    require(layers_.contains(layer), file_.path().string(), ": tensor '", tensor.name,
            "' belongs to no layer of this model");
  }
}

ConvLayer RandomLayers::conv(const std::string& name, const Shape& shape,
                             const Conv2dParams& params) {
  const auto fan_in = static_cast<double>(shape[1] * shape[2] * shape[3]);
  const double bound = std::sqrt(6 / fan_in);  // of a uniform distribution with variance 2 / fan-in
  std::vector<float> weight(static_cast<std::size_t>(shape.count()));
  std::vector<float> bias(static_cast<std::size_t>(shape[0]));
  for (float& value : weight) value = static_cast<float>(random_.uniform(-bound, bound));
  for (float& value : bias) value = static_cast<float>(random_.uniform(-0.1, 0.1));
  return ConvLayer({name, params, {.shape = shape, .weight = weight, .bias = bias}});
}

}  // namespace hewn
