// Activation functions, on their own and as the end of a convolution or a linear layer.
#pragma once

#include "hewn/runtime/context.h"
#include "hewn/runtime/tensor.h"

#include <optional>

namespace hewn {

/// An activation function and its parameter. The polynomials behind them, with their error, are in
/// runtime/isa/math.h.
struct Activation {
  /// Which function.
  enum class Kind {
    none,        ///< x
    relu,        ///< max(x, 0)                          torch.relu
    leaky_relu,  ///< x ≥ 0 ? x : negative_slope · x     torch.nn.functional.leaky_relu
    sigmoid,     ///< 1 / (1 + exp(−x))                  torch.sigmoid
    tanh,        ///< tanh(x)                            torch.tanh
    gelu,        ///< x/2 · (1 + erf(x/√2))              torch.nn.functional.gelu
    quick_gelu,  ///< x · sigmoid(1.702 x)               as in CLIP
  };
  Kind kind = Kind::none;
  float negative_slope = 0.01F;  ///< leaky_relu only

  /// max(x, 0), the one that needs no parameter and is everywhere.
  static constexpr Activation relu() { return {.kind = Kind::relu}; }
};

/// Maps that an operator with a fused activation adds to its result f: y = activation(f + before) +
/// after. Each is absent, or has the shape of y.
struct Addends {
  std::optional<ConstView> before = std::nullopt;
  std::optional<ConstView> after = std::nullopt;
};

/// y = activation(x), element by element; NaN stays NaN. Throws Error unless the shapes agree. x
/// and y may be the same view; otherwise they must not overlap. Bits do not depend on threads or
/// instruction set.
void activate(ConstView x, const Activation& activation, View y, Context& ctx);

}  // namespace hewn
