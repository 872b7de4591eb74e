// RAFT's feature and context encoders.
#pragma once

#include "hewn/models/layers/layer_source.h"
#include "hewn/models/raft/variant.h"

#include <optional>
#include <string>
#include <vector>

namespace hewn {

/// What follows each convolution of an encoder, before the activation. Batch norm is folded into
/// the convolutions when weights are converted.
enum class RaftNorm { none, instance };

/// A convolution with its norm and its activation.
class NormedConv {
 public:
  NormedConv(LayerSource& layers, const std::string& name, const Shape& shape, std::int64_t stride,
             RaftNorm norm);

  const std::string& name() const { return conv_.name(); }
  Nhwc output_shape(const Nhwc& x) const { return conv_.output_shape(x); }
  /// y = relu(norm(conv(x))).
  void operator()(ConstView x, View y, Context& ctx) const;
  /// y = relu(norm(conv(x)) + before) + after, where an addend may be y.
  void add(ConstView x, View y, Context& ctx, const Addends& addends) const;
  /// The same for a convolution that keeps the shape of x, whose memory is used up.
  void add_using_up(View x, View y, Context& ctx, const Addends& addends) const;

 private:
  PackedConv2d conv_;
  RaftNorm norm_;
};

/// The shortcut around some convolutions (He et al., "Deep Residual Learning for Image
/// Recognition", 2016): relu(shortcut(x) + convolutions(x)).
class ResidualBlock {
 public:
  ResidualBlock(LayerSource& layers, const RaftVariant& variant, std::string name, std::int64_t in,
                std::int64_t out, std::int64_t stride, RaftNorm norm);

  /// x with stride 1, which is replaced; else a new view in the arena of the Context.
  View operator()(View x, Context& ctx) const;

 private:
  std::string name_;
  std::vector<NormedConv> convs_;       // two, or three in a bottleneck
  std::optional<NormedConv> shortcut_;  // where the block halves the map; else x itself
};

/// Pictures {n, h, w, 3} with values in [0, 1] to {n, h/8, w/8, outputs}: halved by the first
/// convolution and by the second and the third stage.
class RaftEncoder {
 public:
  RaftEncoder(LayerSource& layers, const RaftVariant& variant, const std::string& name,
              std::int64_t outputs, RaftNorm norm);

  void operator()(ConstView images, View features, Context& ctx) const;

 private:
  void encode(ConstView image, View features, Context& ctx) const;

  NormedConv conv1_;
  std::vector<ResidualBlock> blocks_;
  ConvLayer conv2_;
};

}  // namespace hewn
