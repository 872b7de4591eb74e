#include "hewn/ops/elementwise/elementwise.h"

#include "hewn/ops/elementwise/blocks.h"
#include "hewn/ops/elementwise/kernels.h"
#include "hewn/runtime/error.h"
#include "hewn/runtime/isa/kernels.h"

namespace hewn {

std::string_view name_of(UnaryOp op) {
  switch (op) {
    case UnaryOp::abs:
      return "abs";
    case UnaryOp::exp:
      return "exp";
    case UnaryOp::sqrt:
      return "sqrt";
    case UnaryOp::erf:
      return "erf";
  }
  fail("unary: no such operation ", static_cast<int>(op));
}

std::string_view name_of(BinaryOp op) {
  switch (op) {
    case BinaryOp::add:
      return "add";
    case BinaryOp::subtract:
      return "subtract";
    case BinaryOp::multiply:
      return "multiply";
    case BinaryOp::divide:
      return "divide";
    case BinaryOp::maximum:
      return "maximum";
    case BinaryOp::minimum:
      return "minimum";
  }
  fail("binary: no such operation ", static_cast<int>(op));
}

void unary(UnaryOp op, ConstView x, View y, Context& ctx) {
  const std::string_view name = name_of(op);
  require(y.shape == x.shape, name, ": expected an output of ", x.shape, ", got ", y.shape);
  const auto count = static_cast<double>(x.shape.count());
  const ProfileScope profile(ctx.profiler(), name, "", {.flops = count, .bytes = 8 * count});
  const auto& kernels = select_kernels<ElementwiseKernels>(ctx.isa());
  for_each_block(ctx, x.shape, x.dense() && y.dense(), [&](const Block& block) {
    kernels.unary(op, {block.in(x), x.pixel_stride, block.in(y), y.pixel_stride, block.pixels,
                       block.channels});
  });
}

void binary(BinaryOp op, ConstView a, ConstView b, View y, Context& ctx) {
  const std::string_view name = name_of(op);
  const Nhwc one_pixel{1, 1, 1, a.shape.c};
  const bool same_shape = b.shape == a.shape;
  require(same_shape || b.shape == one_pixel, name, ": expected a second operand of ", a.shape,
          " or ", one_pixel, ", got ", b.shape);
  require(y.shape == a.shape, name, ": expected an output of ", a.shape, ", got ", y.shape);
  const auto count = static_cast<double>(a.shape.count());
  const ProfileScope profile(
      ctx.profiler(), name, "",
      {.flops = count, .bytes = 4 * (2 * count + static_cast<double>(b.shape.count()))});
  const auto& kernels = select_kernels<ElementwiseKernels>(ctx.isa());
  if (!same_shape) b.pixel_stride = 0;
  const bool dense = same_shape && a.dense() && b.dense() && y.dense();
  for_each_block(ctx, a.shape, dense, [&](const Block& block) {
    kernels.binary(
        op,
        {block.in(a), a.pixel_stride, block.in(y), y.pixel_stride, block.pixels, block.channels},
        block.in(b), b.pixel_stride);
  });
}

}  // namespace hewn
