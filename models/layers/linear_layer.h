// Layers of tokens, or of whatever else is one vector: linear ones, and the norm between them.
#pragma once

#include "hewn/ops/layer_norm/layer_norm.h"
#include "hewn/ops/linear/linear.h"
#include "hewn/runtime/context.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace hewn {

/// A fully connected layer. Reports nothing to the trace: blocks are made of it, and report what
/// they make.
class LinearLayer {
 public:
  /// `linear` under its own name.
  explicit LinearLayer(PackedLinear linear) : linear_(std::move(linear)) {}

  const std::string& name() const { return linear_.name(); }  ///< in profiles
  /// Channels of the output.
  std::int64_t out_features() const { return linear_.out_features(); }
  const PackedLinear& packed() const { return linear_; }  ///< what it runs

  /// The layer's output, in the arena of the Context.
  View operator()(ConstView x, Context& ctx) const;

  /// The same, written to y.
  void operator()(ConstView x, View y, Context& ctx) const;
  /// The same with addends, as linear() has them.
  void operator()(ConstView x, const Addends& addends, View y, Context& ctx) const;

 private:
  PackedLinear linear_;
};

/// A layer norm with its weights. Reports nothing to the trace.
class LayerNormLayer {
 public:
  /// Weight and bias have a value for each channel.
  LayerNormLayer(std::string name, std::vector<float> weight, std::vector<float> bias)
      : name_(std::move(name)), weight_(std::move(weight)), bias_(std::move(bias)) {}

  const std::string& name() const { return name_; }  ///< for errors

  /// y = layer_norm(x); y may be x.
  void operator()(ConstView x, View y, Context& ctx) const;

 private:
  std::string name_;
  std::vector<float> weight_, bias_;
};

}  // namespace hewn
