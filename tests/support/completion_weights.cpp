#include "tests/support/completion_weights.h"

#include "hewn/models/layers/layer_source.h"
#include "hewn/runtime/error.h"

#include <span>
#include <string_view>
#include <utility>

namespace hewn::test {

namespace {

struct Layer {
  std::string name;
  std::int64_t out, kernel;
  bool transposed = false;
};

/// Table 1 of the paper.
std::vector<Layer> layers_of_completion() {
  return {{"conv1", 64, 5},           {"conv2", 128, 3},  {"conv3", 128, 3},
          {"conv4", 256, 3},          {"conv5", 256, 3},  {"conv6", 256, 3},
          {"conv7", 256, 3},          {"conv8", 256, 3},  {"conv9", 256, 3},
          {"conv10", 256, 3},         {"conv11", 256, 3}, {"conv12", 256, 3},
          {"deconv13", 128, 4, true}, {"conv14", 128, 3}, {"deconv15", 64, 4, true},
          {"conv16", 32, 3},          {"conv17", 3, 3}};
}

OwnedConv2dWeights weights_of(RandomLayers& random, const Layer& layer, std::int64_t in) {
  if (!layer.transposed) {
    return random.conv_weights(layer.name, {layer.out, in, layer.kernel, layer.kernel});
  }
  // A stride of 2 leaves each output a quarter of the 4 × 4 taps.
  return random.weights(layer.name, {in, layer.out, layer.kernel, layer.kernel},
                        {.out = layer.out, .in = 4 * in});
}

}  // namespace

const CompletionNetwork& random_completion(Conv2dPacking packing) {
  if (packing == Conv2dPacking::precise) {
    static const CompletionNetwork precise = CompletionNetwork::random(1, Conv2dPacking::precise);
    return precise;
  }
  static const CompletionNetwork fast = CompletionNetwork::random(1, Conv2dPacking::fast);
  return fast;
}

CompletionTensors random_completion_tensors(std::int64_t channels, std::uint64_t seed) {
  CompletionTensors result;
  const auto add = [&](const std::string& name, const Shape& shape, std::vector<float> values) {
    result.values.push_back(std::move(values));
    result.tensors.push_back(
        {.name = name, .shape = shape, .data = std::as_bytes(std::span(result.values.back()))});
  };
  RandomLayers random(seed, Conv2dPacking::any, {{"conv17", 1}});
  std::int64_t in = channels;
  for (const Layer& layer : layers_of_completion()) {
    OwnedConv2dWeights weights = weights_of(random, layer, in);
    const auto out = static_cast<std::size_t>(layer.out);
    add(layer.name + ".weight", weights.shape, std::move(weights.weight));
    add(layer.name + ".bias", {layer.out}, std::move(weights.bias));
    if (layer.name != "conv17") {
      add(layer.name + ".scale", {layer.out}, std::vector<float>(out, 1));
      add(layer.name + ".shift", {layer.out}, std::vector<float>(out, 0));
    }
    in = layer.out;
  }
  return result;
}

void write_completion_file(const std::filesystem::path& path,
                           const std::vector<TensorToWrite>& tensors,
                           const CompletionConfig& config) {
  write_safetensors(path, tensors,
                    {{"hewn.model", "completion"},
                     {"hewn.format", "1"},
                     {"hewn.config", text_of(R"({"order": "relu-bn", "input": )", config.input,
                                             R"(, "mean": )", config.mean, R"(, "channels": )",
                                             config.channels, R"(, "discriminators": false})")}});
}

}  // namespace hewn::test
