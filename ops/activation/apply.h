// Activation functions on lanes. Internal, for *.simd.cpp only.
#pragma once

#include "hewn/ops/activation/activation.h"
#include "hewn/runtime/isa/math.h"

namespace hewn::HEWN_KERNEL_ISA {

/// The activation of sixteen values; see Activation::Kind for the formulas.
HEWN_INLINE Lanes apply(const Activation& activation, const Lanes& x) {
  constexpr float kSqrtHalf = 0.70710678118654752F;
  switch (activation.kind) {
    case Activation::Kind::none:
      return x;
    case Activation::Kind::relu:
      return relu(x);
    case Activation::Kind::leaky_relu:
      return select(x < Lanes(0), x * Lanes(activation.negative_slope), x);
    case Activation::Kind::sigmoid:
      return sigmoid(x);
    case Activation::Kind::tanh:
      return tanh(x);
    case Activation::Kind::gelu:
      return (x * Lanes(0.5F)) * (erf(x * Lanes(kSqrtHalf)) + Lanes(1));
    case Activation::Kind::quick_gelu:
      return x * sigmoid(x * Lanes(1.702F));
  }
  return x;
}

}  // namespace hewn::HEWN_KERNEL_ISA
