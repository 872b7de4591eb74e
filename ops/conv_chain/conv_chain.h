// Convolutions one after the other, of whose maps only a few rows exist at a time.
#pragma once

#include "hewn/ops/conv2d/conv2d.h"
#include "hewn/ops/conv_transpose2d/conv_transpose2d.h"
#include "hewn/runtime/context.h"
#include "hewn/runtime/tensor.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <variant>

namespace hewn {

/// A convolution of a chain or, with `max_pool`, the maxima of 2×2 pixels of it, as max_pool2d()
/// has them with kernel and stride 2.
struct Conv2dLink {
  const PackedConv2d* conv = nullptr;  ///< must outlive the call
  bool max_pool = false;               ///< whether the result is the maxima
};

/// One link of a chain. A transposed convolution must outlive the call, too.
using ConvLink = std::variant<Conv2dLink, const PackedConvTranspose2d*>;

/// The most links that a chain may have.
inline constexpr std::size_t kMaxConvLinks = 8;

/// What the rows of a chain take: enough for threads not to wait for each other at every turn.
inline constexpr std::int64_t kConvChainBytes = std::int64_t{16} << 20;

/// The shape of the last link's result. Throws Error when channels do not match, a map is smaller
/// than a kernel, or a pooled one would be empty.
Nhwc conv_chain_output_shape(const Nhwc& x, std::span<const ConvLink> links);

/// y = links[last](… links[1](links[0](x))), in stripes of rows: of each map between, only the rows
/// are held that the next link still needs, and none is computed twice. For the ends of a network,
/// whose full-size maps are what its memory and bandwidth go into.
///
/// x: {n, h, w, in}, y: conv_chain_output_shape(x.shape, links), which must not overlap. The rows
/// take `buffer_bytes` at most, unless the smallest stripe needs more. Throws Error when a shape is
/// wrong, when there are no links or more than kMaxConvLinks, and where conv2d() or
/// conv_transpose2d() would. The bits are those of the links one by one, and depend on neither
/// threads nor instruction set.
///
/// Profiled are the links, stripe by stripe. Traced is each link's map under the convolution's
/// name, of a pooled one the maxima alone as "<name>.max_pool"; but not the rows and columns at the
/// end of a map that no link sees, which are never computed.
void conv_chain(ConstView x, std::span<const ConvLink> links, std::int64_t buffer_bytes, View y,
                Context& ctx);

/// The same with kConvChainBytes.
inline void conv_chain(ConstView x, std::span<const ConvLink> links, View y, Context& ctx) {
  conv_chain(x, links, kConvChainBytes, y, ctx);
}

/// The same, depth first: the map is cut into strips of columns and bands of rows, down each of
/// which one thread goes with rows that stay in its L2. For two or three links on large maps of few
/// channels: what is at the border between two pieces is computed twice.
void conv_chain_depth_first(ConstView x, std::span<const ConvLink> links, View y, Context& ctx);

/// The bytes of rows that conv_chain() holds for an input of this shape. Throws Error as it does
/// for shapes.
std::int64_t conv_chain_row_bytes(const Nhwc& x, std::span<const ConvLink> links,
                                  std::int64_t buffer_bytes, const Context& ctx);

}  // namespace hewn
