// Fully connected layers.
#pragma once

#include "hewn/ops/conv2d/conv2d.h"

#include <optional>
#include <span>
#include <string>

namespace hewn {

/// Weights as PyTorch stores them.
struct LinearWeights {
  Shape shape;                    ///< of rank 2: [out][in]
  std::span<const float> weight;  ///< contiguous
  std::span<const float> bias;    ///< empty, or one value for each output
};

/// Weights and activation of one layer, packed once, when a model loads. A linear layer is a 1×1
/// convolution whose pixels are the rows, and that is how it is kept and run. Immutable: threads
/// may share one.
class PackedLinear {
 public:
  /// `name` appears in errors and profiles. Throws Error when a span does not have the size that
  /// the shape asks for. The spans may go away afterwards.
  PackedLinear(std::string name, const LinearWeights& weights, const Activation& activation = {});

  const std::string& name() const { return name_; }
  std::int64_t in_features() const { return in_features_; }
  std::int64_t out_features() const { return out_features_; }
  const Activation& activation() const { return activation_; }

  /// The convolution; empty when there are no inputs or no outputs, which no convolution has.
  const std::optional<PackedConv2d>& convolution() const { return convolution_; }
  /// What the layer gives without inputs, before the activation: the bias, or zeros.
  std::span<const float> constant() const { return constant_.values(); }

 private:
  std::string name_;
  Activation activation_;
  std::int64_t in_features_ = 0;
  std::int64_t out_features_ = 0;
  std::optional<PackedConv2d> convolution_;
  Tensor constant_;
};

/// y = activation(x · weightᵀ + bias), as torch.nn.functional.linear.
///
/// x: [n, h, w, in], each pixel a row; y: [n, h, w, out]. Throws Error when a shape is wrong. y
/// must not overlap x. Bits depend on neither threads nor instruction set. In a profile the layer
/// is the conv2d that it is run as.
void linear(ConstView x, const PackedLinear& layer, View y, Context& ctx);

}  // namespace hewn
