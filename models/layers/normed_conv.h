// A convolution, a norm and an activation as one layer.
#pragma once

#include "hewn/models/layers/conv_layer.h"
#include "hewn/ops/instance_norm/instance_norm.h"
#include "hewn/runtime/context.h"

#include <optional>
#include <string>
#include <utility>

namespace hewn {

/// activation(norm(conv(x))), where the norm may be none. Reports nothing to the trace: blocks are
/// made of it, and report what they make.
class NormedConv {
 public:
  /// `conv` has the activation where there is no norm, and none where there is.
  NormedConv(ConvLayer conv, const std::optional<InstanceNormParams>& norm)
      : conv_(std::move(conv).silent()), norm_(norm) {}

  const std::string& name() const { return conv_.name(); }  ///< of the convolution
  /// As PackedConv2d has it.
  Nhwc output_shape(const Nhwc& x) const { return conv_.output_shape(x); }

  /// y = activation(norm(conv(x))).
  void operator()(ConstView x, View y, Context& ctx) const;
  /// y = activation(norm(conv(x)) + before) + after, where an addend may be y.
  void operator()(ConstView x, const Addends& addends, View y, Context& ctx) const;
  /// The same for a convolution that keeps the shape of x, whose memory is used up.
  void use_up(View x, const Addends& addends, View y, Context& ctx) const;

 private:
  ConvLayer conv_;
  std::optional<InstanceNormParams> norm_;
};

}  // namespace hewn
