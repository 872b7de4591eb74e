#include "hewn/ops/elementwise/elementwise.h"

#include "hewn/ops/elementwise/blocks.h"
#include "hewn/ops/elementwise/kernels.h"
#include "hewn/runtime/error.h"
#include "hewn/runtime/isa/kernels.h"
#include "hewn/runtime/operands.h"

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

void unary(ConstView x, UnaryOp op, View y, Context& ctx) {
  const std::string_view name = name_of(op);
  require(y.shape == x.shape, name, ": expected an output of ", x.shape, ", got ", y.shape);
  check_operands(name, "", {{"x", x, Overlap::in_place}}, y);
  const auto count = static_cast<double>(x.shape.count());
  const ProfileScope profile(ctx.profiler(), name, "", {.flops = count, .bytes = 8 * count});
  const auto& kernels = select_kernels<ElementwiseKernels>(ctx.isa());
  for_each_element_run(ctx, x, y, [&](const PixelRun& run) { kernels.unary(op, run); });
}

void binary(ConstView a, ConstView b, BinaryOp op, View y, Context& ctx) {
  const std::string_view name = name_of(op);
  const Nhwc one_pixel{1, 1, 1, a.shape.c};
  const bool same_shape = b.shape == a.shape;
  require(same_shape || b.shape == one_pixel, name, ": expected a second operand of ", a.shape,
          " or ", one_pixel, ", got ", b.shape);
  require(y.shape == a.shape, name, ": expected an output of ", a.shape, ", got ", y.shape);
  check_operands(name, "", {{"a", a, Overlap::in_place}, {"b", b, Overlap::in_place}}, y);
  const auto count = static_cast<double>(a.shape.count());
  const ProfileScope profile(
      ctx.profiler(), name, "",
      {.flops = count, .bytes = 4 * (2 * count + static_cast<double>(b.shape.count()))});
  const auto& kernels = select_kernels<ElementwiseKernels>(ctx.isa());
  const bool dense = same_shape && a.dense() && b.dense() && y.dense();
  std::int64_t run = pixels_of_run(a, y);
  if (same_shape) {
    run = std::min(run, pixels_of_run(b));
  } else {
    b.pixel_stride = 0;
  }
  for_each_block(ctx, a.shape, dense, run, [&](const Block& block) {
    kernels.binary(op, block.of(a, y), block.in(b), b.pixel_stride);
  });
}

}  // namespace hewn
