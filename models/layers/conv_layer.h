// A convolution as networks use it.
#pragma once

#include "hewn/ops/conv2d/conv2d.h"
#include "hewn/ops/conv_transpose2d/conv_transpose2d.h"
#include "hewn/runtime/context.h"

#include <utility>

namespace hewn {

/// A convolution that takes its output from the arena and reports it to the trace.
class ConvLayer {
 public:
  explicit ConvLayer(PackedConv2d conv) : conv_(std::move(conv)) {}

  /// The layer's output, in the arena of the Context, reported to its trace under the layer's name.
  View operator()(ConstView x, Context& ctx) const;

  /// The same, written to y.
  void operator()(ConstView x, View y, Context& ctx) const;

  const PackedConv2d& conv() const { return conv_; }

 private:
  PackedConv2d conv_;
};

/// The same for a transposed convolution.
class ConvTransposeLayer {
 public:
  explicit ConvTransposeLayer(PackedConvTranspose2d conv) : conv_(std::move(conv)) {}

  void operator()(ConstView x, View y, Context& ctx) const;

  const PackedConvTranspose2d& conv() const { return conv_; }

 private:
  PackedConvTranspose2d conv_;
};

/// b(a(x)), then the maxima of 2×2 pixels: the stage that encoders are made of. The result is in
/// the arena of the Context. The full-size maps never exist as a whole: traced are a's, under its
/// name, and the pooled one as "<name of b>.max_pool".
View conv_conv_max_pool(const ConvLayer& a, const ConvLayer& b, ConstView x, Context& ctx);

}  // namespace hewn
