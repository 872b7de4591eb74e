// Convolutions one after the other, a few rows at a time.
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

/// One convolution of a chain. It must outlive the call.
using ConvLink = std::variant<const PackedConv2d*, const PackedConvTranspose2d*>;

/// The most convolutions that a chain may have.
inline constexpr std::size_t kMaxConvLinks = 8;

/// What the rows of a chain take: enough for threads not to wait for each other at every turn.
inline constexpr std::int64_t kConvChainBytes = std::int64_t{16} << 20;

/// The shape of the last convolution's result. Throws Error when channels do not match, or a map is
/// smaller than a kernel.
Nhwc conv_chain_output_shape(const Nhwc& x, std::span<const ConvLink> links);

/// y = links[last](… links[1](links[0](x))), in stripes of rows: of each map between, only the rows
/// are held that the next convolution still needs, and none is computed twice. For the ends of a
/// network, whose full-size maps are what its memory and bandwidth go into.
///
/// x: {n, h, w, in}, y: conv_chain_output_shape(x.shape, links), which must not overlap. The rows
/// take `buffer_bytes` at most, unless the smallest stripe needs more. Throws Error when a shape is
/// wrong, when there are no links or more than kMaxConvLinks, and where conv2d() or
/// conv_transpose2d() would. The bits are those of the convolutions one by one, and depend on
/// neither threads nor instruction set.
void conv_chain(ConstView x, std::span<const ConvLink> links, std::int64_t buffer_bytes, View y,
                Context& ctx);

/// The same with kConvChainBytes.
inline void conv_chain(ConstView x, std::span<const ConvLink> links, View y, Context& ctx) {
  conv_chain(x, links, kConvChainBytes, y, ctx);
}

/// The bytes of rows that conv_chain() holds for an input of this shape. Throws Error as it does
/// for shapes.
std::int64_t conv_chain_row_bytes(const Nhwc& x, std::span<const ConvLink> links,
                                  std::int64_t buffer_bytes, const Context& ctx);

}  // namespace hewn
