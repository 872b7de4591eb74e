// Where a network's layers come from: a weights file, or chance.
#pragma once

#include "hewn/models/layers/conv_gru_layer.h"
#include "hewn/models/layers/conv_layer.h"
#include "hewn/models/layers/linear_layer.h"
#include "hewn/models/layers/model_config.h"
#include "hewn/models/layers/normed_conv.h"
#include "hewn/models/layers/weights_reader.h"
#include "hewn/runtime/files/safetensors.h"
#include "hewn/runtime/random.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hewn {

/// The weights of a convolution, owned.
struct OwnedConv2dWeights {
  Shape shape;  ///< out, in / groups, kernel_h, kernel_w; of a transposed one in, out / groups, …
  std::vector<float> weight;
  std::vector<float> bias;
  std::vector<float> scale, shift;  ///< empty, or the batch norm that follows the activation

  /// What operators take; it looks at this.
  Conv2dWeights spans() const { return {shape, weight, bias, scale, shift}; }
};

/// A convolution as networks mostly have them. Its kernel is a square of odd side; its padding
/// keeps the size of a map where the stride is 1.
struct ConvOptions {
  std::int64_t kernel = 3;
  std::int64_t stride = 1;
  std::int64_t dilation = 1;
  Activation activation = Activation::relu();
};

/// What stands between a convolution and its activation. Batch norm does not: it is folded into the
/// convolution when weights are converted.
enum class ConvNorm { none, instance };

/// Makes layers by name. A network asks for each of its layers once, when it is constructed.
class LayerSource {
 public:
  /// `packing` holds for all layers.
  explicit LayerSource(Conv2dPacking packing) : packing_(packing) {}
  virtual ~LayerSource() = default;

  Conv2dPacking packing() const { return packing_; }  ///< of every layer

  /// How many channels come out of a layer, and of how many products a value of theirs is the sum.
  struct Fan {
    std::int64_t out, in;
  };

  /// The weights of the layer `name`, of `shape`.
  virtual OwnedConv2dWeights weights(const std::string& name, const Shape& shape,
                                     const Fan& fan) = 0;

  /// The weights of the convolution `name`, of `shape`.
  OwnedConv2dWeights conv_weights(const std::string& name, const Shape& shape);

  /// The convolution `name` from `in` channels to `out`.
  ConvLayer conv(const std::string& name, std::int64_t in, std::int64_t out,
                 const ConvOptions& options = {});
  /// Any other one, with weights of `shape`.
  ConvLayer conv(const std::string& name, const Shape& shape, const Conv2dParams& params);
  /// The convolution `name` with a norm before its activation.
  NormedConv normed_conv(const std::string& name, std::int64_t in, std::int64_t out, ConvNorm norm,
                         const ConvOptions& options = {});

  /// The transposed convolution `name` with weights of `shape`.
  ConvTransposeLayer conv_transpose(const std::string& name, const Shape& shape,
                                    const ConvTranspose2dParams& params);

  /// The recurrent unit of the convolutions `<name>.convz`, `.convr` and `.convq`, each name
  /// followed by `suffix`, with weights of `shape`. See PackedConvGru for `constants`.
  ConvGruLayer conv_gru(const std::string& name, const std::string& suffix, const Shape& shape,
                        std::int64_t constants);

 private:
  Conv2dPacking packing_;
};

/// Layers of a file written by weights_tools.convert. The tensors of a convolution are
/// `<name>.weight`, `<name>.bias` and, where a batch norm follows the activation, `<name>.scale`
/// and `<name>.shift`. What makes a layer throws Error, naming file and tensor, when one is
/// missing, not finite, or of another shape.
class FileLayers : public LayerSource {
 public:
  /// Throws Error, naming the file, unless its metadata says that it holds the given kind of model,
  /// and what its configuration is. The file must outlive this. `precision` holds for all linear
  /// layers.
  FileLayers(const SafetensorsFile& file, std::string_view model, Conv2dPacking packing,
             LinearPrecision precision = LinearPrecision::float32);

  /// Of every linear layer.
  LinearPrecision precision() const { return precision_; }
  /// The file's path, for messages.
  std::string path() const { return tensors_.path(); }
  const ModelConfig& config() const { return config_; }  ///< what the file says beside them
  /// For what is no layer.
  WeightsReader& tensors() { return tensors_; }
  /// The same, for what reads no values.
  const WeightsReader& tensors() const { return tensors_; }

  /// Whether the file has weights for the layer.
  bool has(const std::string& name) const { return tensors_.has(name + ".weight"); }

  OwnedConv2dWeights weights(const std::string& name, const Shape& shape, const Fan& fan) override;

  /// The linear layer `name` with weights of `shape`, {out, in}.
  LinearLayer linear(const std::string& name, const Shape& shape,
                     const Activation& activation = {});
  /// The layer norm `name` of `channels`.
  LayerNormLayer layer_norm(const std::string& name, std::int64_t channels);

 private:
  WeightsReader tensors_;
  ModelConfig config_;
  LinearPrecision precision_;
};

/// Layers with random weights of variance gain² / fan-in.
class RandomLayers : public LayerSource {
 public:
  /// √2, so that activations keep their magnitude through ReLUs (He, Zhang, Ren and Sun, "Delving
  /// Deep into Rectifiers", 2015).
  static constexpr double kReluGain = 1.4142135623730951;

  /// The gain of layers whose name contains `part`.
  struct Gain {
    std::string_view part;
    double gain;
  };

  /// Layers have the first of `gains` that fits their name, or kReluGain.
  RandomLayers(std::uint64_t seed, Conv2dPacking packing, std::vector<Gain> gains = {})
      : LayerSource(packing), random_(seed), gains_(std::move(gains)) {}
  /// Uniform weights, and biases from −0.1 to 0.1.
  OwnedConv2dWeights weights(const std::string& name, const Shape& shape, const Fan& fan) override;

 private:
  Random random_;
  std::vector<Gain> gains_;
};

}  // namespace hewn
