// RAFT's feature and context encoders.
#pragma once

#include "hewn/models/layers/layer_source.h"
#include "hewn/models/raft/variant.h"

#include <optional>
#include <string>
#include <vector>

namespace hewn {

/// The shortcut around some convolutions (He et al., "Deep Residual Learning for Image
/// Recognition", 2016): relu(shortcut(x) + convolutions(x)).
class ResidualBlock {
 public:
  /// From `in` channels to `out`: two convolutions of 3×3, or in the small network a bottleneck of
  /// three. Throws as the source does.
  ResidualBlock(LayerSource& layers, const RaftVariant& variant, std::string name, std::int64_t in,
                std::int64_t out, std::int64_t stride, ConvNorm norm);

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
  /// The encoder whose layers are `<name>.conv1` and so on. Throws as the source does.
  RaftEncoder(LayerSource& layers, const RaftVariant& variant, const std::string& name,
              std::int64_t outputs, ConvNorm norm);

  /// The features of the pictures, one after the other. Thread-safe with one Context a thread;
  /// shapes are the caller's to check.
  void operator()(ConstView images, View features, Context& ctx) const;

 private:
  void encode(ConstView image, View features, Context& ctx) const;

  NormedConv conv1_;
  std::vector<ResidualBlock> blocks_;
  ConvLayer conv2_;
};

}  // namespace hewn
