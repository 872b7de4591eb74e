// Where a network's layers come from: a weights file, or chance.
#pragma once

#include "hewn/models/layers/conv_layer.h"
#include "hewn/runtime/random.h"
#include "hewn/runtime/safetensors.h"

#include <set>
#include <string>
#include <string_view>

namespace hewn {

/// Makes layers by name. A network asks for each of its layers once, when it is constructed.
class LayerSource {
 public:
  virtual ~LayerSource() = default;
  /// The convolution `name` with weights of `shape` (out, in / groups, kernel_h, kernel_w).
  virtual ConvLayer conv(const std::string& name, const Shape& shape,
                         const Conv2dParams& params) = 0;
};

/// Layers of a file written by weights_tools.convert.
class FileLayers : public LayerSource {
 public:
  /// Throws Error, naming the file, unless its metadata says that it holds the given kind of model.
  /// The file must outlive this.
  FileLayers(const SafetensorsFile& file, std::string_view model);

  /// A string of the model's configuration. Throws Error, naming file and key, when it is missing.
  std::string config(const std::string& key) const;
  /// Whether the file has weights for the layer.
  bool has(const std::string& name) const { return file_.find(name + ".weight") != nullptr; }
  ConvLayer conv(const std::string& name, const Shape& shape, const Conv2dParams& params) override;
  /// Throws Error, naming file and tensor, when the file holds a tensor that no layer has asked
  /// for.
  void expect_nothing_left() const;

 private:
  const SafetensorsFile& file_;
  std::string config_;
  std::set<std::string> layers_;
};

/// Layers with random weights of variance 2 / fan-in, so that activations keep their magnitude
/// through ReLUs (He, Zhang, Ren and Sun, "Delving Deep into Rectifiers", 2015).
class RandomLayers : public LayerSource {
 public:
  explicit RandomLayers(std::uint64_t seed) : random_(seed) {}
  ConvLayer conv(const std::string& name, const Shape& shape, const Conv2dParams& params) override;

 private:
  Random random_;
};

}  // namespace hewn
