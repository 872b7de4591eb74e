// Where a network's layers come from: a weights file, or chance.
#pragma once

#include "hewn/models/layers/conv_layer.h"
#include "hewn/ops/gru/conv_gru.h"
#include "hewn/ops/linear/linear.h"
#include "hewn/runtime/files/safetensors.h"
#include "hewn/runtime/random.h"

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hewn {

/// The weights of a convolution, owned.
struct ConvWeights {
  Shape shape;  ///< out, in / groups, kernel_h, kernel_w; of a transposed one in, out / groups, …
  std::vector<float> weight;
  std::vector<float> bias;
  std::vector<float> scale, shift;  ///< empty, or the batch norm that follows the activation

  /// What operators take; it looks at this.
  Conv2dWeights spans() const { return {shape, weight, bias, scale, shift}; }
};

/// A matrix as a file stores it: float32 values, or binary16 ones. The other is empty.
struct StoredMatrix {
  Shape shape;
  std::vector<float> values;
  std::vector<std::uint16_t> halves;

  /// Rows [begin, end) as the weight of a linear layer.
  LinearWeights rows(std::int64_t begin, std::int64_t end, std::span<const float> bias) const;
};

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
  virtual ConvWeights weights(const std::string& name, const Shape& shape, const Fan& fan) = 0;

  /// The weights of the convolution `name`, of `shape`.
  ConvWeights conv_weights(const std::string& name, const Shape& shape);

  /// The convolution `name` with weights of `shape`.
  PackedConv2d packed_conv(const std::string& name, const Shape& shape, const Conv2dParams& params);
  /// The same as a layer.
  ConvLayer conv(const std::string& name, const Shape& shape, const Conv2dParams& params);

  /// The transposed convolution `name` with weights of `shape`, as a layer.
  ConvTransposeLayer conv_transpose(const std::string& name, const Shape& shape,
                                    const ConvTranspose2dParams& params);

  /// The recurrent unit of the convolutions `<name>.convz`, `.convr` and `.convq`, each name
  /// followed by `suffix`, with weights of `shape`. See PackedConvGru for `constants`.
  PackedConvGru conv_gru(const std::string& name, const std::string& suffix, const Shape& shape,
                         std::int64_t constants);

 private:
  Conv2dPacking packing_;
};

/// Layers of a file written by weights_tools.convert. The tensors of a convolution are
/// `<name>.weight`, `<name>.bias` and, where a batch norm follows the activation, `<name>.scale`
/// and `<name>.shift`.
///
/// What reads the model's configuration throws Error, naming file and key, when the value is
/// missing or another than expected.
class FileLayers : public LayerSource {
 public:
  /// Throws Error, naming the file, unless its metadata says that it holds the given kind of model.
  /// The file must outlive this. `precision` holds for all linear layers.
  FileLayers(const SafetensorsFile& file, std::string_view model, Conv2dPacking packing,
             LinearPrecision precision = LinearPrecision::float32);

  /// Of every linear layer.
  LinearPrecision precision() const { return precision_; }

  /// The file's path, for messages.
  std::string path() const { return file_.path().string(); }

  /// A string of the configuration.
  std::string config(const std::string& key) const;
  /// An integer from `least` to `most`, which is not written as 3.0.
  std::int64_t config_integer(const std::string& key, std::int64_t least, std::int64_t most) const;
  /// `count` numbers from `least` to `most`.
  std::vector<double> config_numbers(const std::string& key, std::size_t count, double least,
                                     double most) const;
  /// True or false.
  bool config_flag(const std::string& key) const;
  /// Whether the configuration has the key, and not null for it.
  bool has_config(const std::string& key) const;
  /// A list of strings.
  std::vector<std::string> config_strings(const std::string& key) const;
  /// What `choices` pair with a string of the configuration, which is one of theirs.
  template <typename Value>
  Value config_choice(const std::string& key,
                      std::initializer_list<std::pair<std::string_view, Value>> choices) const {
    std::vector<std::string_view> names;
    for (const auto& choice : choices) names.push_back(choice.first);
    return choices.begin()[config_index(key, names)].second;
  }
  /// Throws unless the configuration has this number.
  void expect_config(const std::string& key, std::int64_t value) const;
  /// Whether the file has weights for the layer.
  bool has(const std::string& name) const { return has_tensor(name + ".weight"); }
  /// Whether the file has a tensor of this very name.
  bool has_tensor(const std::string& name) const { return file_.find(name) != nullptr; }
  /// Throws Error, naming file and tensor, when one is missing, not finite, or of another shape.
  ConvWeights weights(const std::string& name, const Shape& shape, const Fan& fan) override;

  /// How many sizes a tensor has; 0 when it is missing, too.
  std::int64_t rank_of(const std::string& tensor) const;
  /// The shape of a tensor. Throws Error, naming file and tensor, when it is missing or not of this
  /// rank.
  const Shape& shape_of(const std::string& tensor, std::int64_t rank) const;
  /// A tensor's values. Throws as weights() does.
  std::vector<float> values(const std::string& tensor, const Shape& shape);
  /// A matrix [out][in] in the precision in which it is stored. Throws as weights() does.
  StoredMatrix matrix(const std::string& tensor, const Shape& shape);
  /// The linear layer `name` with weights of `shape`. Throws as weights() does.
  PackedLinear linear(const std::string& name, const Shape& shape,
                      const Activation& activation = {});
  /// A matrix that is read later, and in part. Throws Error, naming file and tensor, when it is
  /// missing, not floating, or of another shape; its values are not looked at.
  const TensorEntry& deferred(const std::string& tensor, const Shape& shape);
  /// Throws Error, naming file and tensor, when the file holds a tensor that nobody has asked for,
  /// and whose name begins with none of `others`, which are parts of their own.
  void expect_nothing_left(std::initializer_list<std::string_view> others = {}) const;

 private:
  /// Which of `names` a string of the configuration is.
  std::size_t config_index(const std::string& key, std::span<const std::string_view> names) const;

  const SafetensorsFile& file_;
  LinearPrecision precision_;
  std::set<std::string> read_;
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
  /// Uniform weights, and biases from −0.1 to 0.1,.
  ConvWeights weights(const std::string& name, const Shape& shape, const Fan& fan) override;

 private:
  Random random_;
  std::vector<Gain> gains_;
};

}  // namespace hewn
