// One convolution as its algorithms see it. Internal: not installed.
#pragma once

#include "hewn/ops/conv2d/conv2d.h"
#include "hewn/ops/pool2d/pool2d.h"

#include <cstdint>
#include <optional>
#include <span>

namespace hewn {

/// A view whose rows and images may be any distance apart: a window of a larger map, or every
/// other pixel of one. Strides count floats.
template <typename Float>
struct BasicMap {
  Float* data = nullptr;
  Nhwc shape;
  std::int64_t image_stride = 0;
  std::int64_t row_stride = 0;
  std::int64_t pixel_stride = 0;

  BasicMap() = default;
  BasicMap(Float* data, const Nhwc& shape, std::int64_t image_stride, std::int64_t row_stride,
           std::int64_t pixel_stride)
      : data(data),
        shape(shape),
        image_stride(image_stride),
        row_stride(row_stride),
        pixel_stride(pixel_stride) {}
  template <typename Other>
  // NOLINTNEXTLINE(google-explicit-constructor): every view is a map
  BasicMap(const BasicView<Other>& view)
      : BasicMap(view.data, view.shape, view.shape.h * view.shape.w * view.pixel_stride,
                 view.shape.w * view.pixel_stride, view.pixel_stride) {}

  Float* pixel(std::int64_t n, std::int64_t y, std::int64_t x) const {
    return data + n * image_stride + y * row_stride + x * pixel_stride;
  }
  /// Whether rows and images follow one another as in a View.
  bool gapless() const {
    return row_stride == shape.w * pixel_stride && image_stride == shape.h * row_stride;
  }
};

using Map = BasicMap<float>;
using ConstMap = BasicMap<const float>;

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
  ConstMap x;
  const PackedConv2d& conv;
  Map y;
  std::optional<ConstMap> before = std::nullopt;  ///< added before the activation; as y
  std::optional<ConstMap> after = std::nullopt;   ///< added at the end; as y
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
