// Convolutions as networks use them.
#pragma once

#include "hewn/ops/conv2d/conv2d.h"
#include "hewn/ops/conv_transpose2d/conv_transpose2d.h"
#include "hewn/runtime/context.h"

#include <cstdint>
#include <string>
#include <utility>

namespace hewn {

/// A convolution that takes its output from the arena and reports it to the trace. As every layer
/// it is immutable, may run in several threads with a Context each, and throws what its operator
/// does.
class ConvLayer {
 public:
  /// `conv` under its own name.
  explicit ConvLayer(PackedConv2d conv) : conv_(std::move(conv)) {}

  /// The same layer, which reports nothing: a part of a block that reports what it makes itself.
  ConvLayer silent() && {
    traced_ = false;
    return std::move(*this);
  }

  const std::string& name() const { return conv_.name(); }  ///< in traces and profiles
  /// Channels of the output.
  std::int64_t out_channels() const { return conv_.out_channels(); }
  /// As PackedConv2d has it.
  Nhwc output_shape(const Nhwc& x) const { return conv_.output_shape(x); }
  const PackedConv2d& conv() const { return conv_; }  ///< what it runs

  /// The layer's output, in the arena of the Context, reported to its trace under the layer's name.
  View operator()(ConstView x, Context& ctx) const;

  /// The same, written to y.
  void operator()(ConstView x, View y, Context& ctx) const;

  /// The same with addends, as conv2d() has them.
  void operator()(ConstView x, const Addends& addends, View y, Context& ctx) const;

 private:
  PackedConv2d conv_;
  bool traced_ = true;
};

/// The same for a transposed convolution.
class ConvTransposeLayer {
 public:
  /// `conv` under its own name.
  explicit ConvTransposeLayer(PackedConvTranspose2d conv) : conv_(std::move(conv)) {}

  /// y = the layer's output, reported to the trace; see conv_transpose2d().
  void operator()(ConstView x, View y, Context& ctx) const;

  /// What it runs.
  const PackedConvTranspose2d& conv() const { return conv_; }

 private:
  PackedConvTranspose2d conv_;
};

/// b(a(x)), then the maxima of 2×2 pixels: the stage that encoders are made of. The result is in
/// the arena of the Context. The full-size maps never exist as a whole: traced are a's, under its
/// name, and the pooled one as "<name of b>.max_pool".
View conv_conv_max_pool(const ConvLayer& a, const ConvLayer& b, ConstView x, Context& ctx);

}  // namespace hewn
