// One convolution as its algorithms see it. Internal: not installed.
#pragma once

#include "hewn/ops/conv2d/conv2d.h"
#include "hewn/ops/pool2d/pool2d.h"

#include <cstdint>
#include <optional>
#include <span>

namespace hewn {

/// A convolution whose output channels are h × w blocks, one for each pixel of a block of h × w
/// pixels of y, row by row ("sub-pixel convolution": Shi et al., "Real-time single image and video
/// super-resolution using an efficient sub-pixel convolutional neural network", 2016). Blocks are
/// whole panels of channels.
struct Subpixels {
  std::int64_t h = 1, w = 1;
  /// For each block the products of Winograd's algorithm, as bits, whose weights are not all zero.
  /// The others are left out.
  std::span<const std::uint64_t> products = {};
};

/// What an algorithm is asked for. Shapes are checked already, and nothing is empty.
///
/// x and y may be windows of larger maps: then padding_top and padding_left are the padding as seen
/// from the windows, which may be negative, and x holds everything inside the picture that y needs.
/// What lies outside of x counts as zeros.
struct Conv2dCall {
  ConstView x;
  const PackedConv2d& conv;
  View y;
  std::optional<ConstView> before = std::nullopt;  ///< added before the activation; as y
  std::optional<ConstView> after = std::nullopt;   ///< added at the end; as y
  std::int64_t padding_top = conv.params().padding_h;
  std::int64_t padding_left = conv.params().padding_w;
  /// y is the 2×2 max-pooled result; where conv2d_pools() only.
  bool max_pool = false;
  /// By Winograd's algorithm only, without addends and pooling.
  Subpixels subpixels = {};
};

/// The algorithm that conv2d() runs in this Context.
Conv2dAlgorithm conv2d_algorithm(const PackedConv2d& conv, const Context& ctx);

/// Outputs that are computed together, along each axis, dilation included. A window that begins at
/// a multiple of it has the bits of the whole map.
struct Conv2dTile {
  std::int64_t h = 1, w = 1;
};
Conv2dTile conv2d_tile(const PackedConv2d& conv, const Context& ctx);

/// Whether the algorithm can write 2×2 maxima itself.
bool conv2d_pools(const PackedConv2d& conv, const Context& ctx);

/// Throws Error, naming the convolution, unless `got` is the shape of its output and it has weights
/// for the Context.
void check_conv2d(const PackedConv2d& conv, const Nhwc& got, const Nhwc& expected,
                  const Context& ctx);

/// Runs the algorithm.
void conv2d_run(const Conv2dCall& call, Context& ctx);

/// Runs a call whose y is to be the 2×2 max-pooled result; `unpooled` is the shape before pooling.
void conv2d_run_pooled(Conv2dCall call, const Nhwc& unpooled, Context& ctx);

}  // namespace hewn
