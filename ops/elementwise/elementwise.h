// Operators that look at one element at a time. Those that follow a layer are in ops/activation.
#pragma once

#include "hewn/runtime/context.h"
#include "hewn/runtime/tensor.h"

#include <string_view>

namespace hewn {

/// Functions of one number.
enum class UnaryOp {
  abs,   ///< |x|                                      torch.abs
  exp,   ///< eˣ, within 1.1 ulp                       torch.exp
  sqrt,  ///< √x, correctly rounded; NaN below zero    torch.sqrt
  erf,   ///< the error function, within 1.5 ulp       torch.erf
};

/// Functions of two numbers, each rounded once.
enum class BinaryOp {
  add,
  subtract,
  multiply,
  divide,   ///< a / b as IEEE 754 has it: infinities and NaN where b is zero
  maximum,  ///< torch.maximum: NaN when either is NaN
  minimum,  ///< torch.minimum: NaN when either is NaN
};

/// "exp", as in errors and profiles.
std::string_view name_of(UnaryOp op);
/// "add", as in errors and profiles.
std::string_view name_of(BinaryOp op);

/// y = op(x), element by element; NaN stays NaN. Throws Error unless the shapes agree. y may be the
/// same view as x; otherwise the two must not overlap. Bits depend on neither threads nor
/// instruction set.
void unary(ConstView x, UnaryOp op, View y, Context& ctx);

/// y = a op b, element by element. b has the shape of a, or {1, 1, 1, c}: one value for each
/// channel. Throws Error when a shape is wrong. y may be the same view as a or as b; otherwise it
/// must not overlap them. Bits depend on neither threads nor instruction set.
void binary(ConstView a, ConstView b, BinaryOp op, View y, Context& ctx);

}  // namespace hewn
