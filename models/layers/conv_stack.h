// Layers that lead from a full-size picture to a small map, or back.
#pragma once

#include "hewn/models/layers/conv_layer.h"
#include "hewn/ops/conv_chain/conv_chain.h"

#include <array>
#include <cstdint>
#include <span>
#include <utility>
#include <variant>
#include <vector>

namespace hewn {

/// Layers one after the other, of whose maps only a few rows exist at a time: conv_chain().
class ConvStack {
 public:
  /// What a stack is made of.
  using Layer = std::variant<ConvLayer, ConvTransposeLayer>;

  /// From the first layer to the last: 1 to kMaxConvLinks of them.
  template <typename... Layers>
  explicit ConvStack(Layers... layers) {
    static_assert(sizeof...(layers) >= 1 && sizeof...(layers) <= kMaxConvLinks);
    (layers_.emplace_back(std::move(layers)), ...);
  }

  /// y = the last layer's output, {n, …} as output_shape(x.shape), which must not overlap x.
  void operator()(ConstView x, View y, Context& ctx) const;

  /// The shape of the last layer's output. Throws Error when channels do not match, or a map is
  /// smaller than a kernel.
  Nhwc output_shape(const Nhwc& x) const;
  /// What rows of maps take from the arena, at least; kConvChainBytes where that is more.
  std::int64_t least_row_bytes(const Nhwc& x, const Context& ctx) const;

 private:
  std::array<ConvLink, kMaxConvLinks> links() const;
  std::span<const ConvLink> used(const std::array<ConvLink, kMaxConvLinks>& links) const {
    return {links.data(), layers_.size()};
  }

  std::vector<Layer> layers_;
};

}  // namespace hewn
