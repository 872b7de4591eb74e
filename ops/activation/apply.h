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

/// An activation whose kind the compiler knows.
template <Activation::Kind kind>
struct Known {
  float negative_slope;
  HEWN_INLINE Lanes operator()(const Lanes& x) const {
    return apply({.kind = kind, .negative_slope = negative_slope}, x);
  }
};

/// Calls f(known) for the activation's kind, so that a loop in f holds one activation and no
/// branch.
template <typename Function>
HEWN_INLINE void with_known_kind(const Activation& activation, Function f) {
  using Kind = Activation::Kind;
  const float slope = activation.negative_slope;
  switch (activation.kind) {
    case Kind::none:
      return f(Known<Kind::none>{slope});
    case Kind::relu:
      return f(Known<Kind::relu>{slope});
    case Kind::leaky_relu:
      return f(Known<Kind::leaky_relu>{slope});
    case Kind::sigmoid:
      return f(Known<Kind::sigmoid>{slope});
    case Kind::tanh:
      return f(Known<Kind::tanh>{slope});
    case Kind::gelu:
      return f(Known<Kind::gelu>{slope});
    case Kind::quick_gelu:
      return f(Known<Kind::quick_gelu>{slope});
  }
}

}  // namespace hewn::HEWN_KERNEL_ISA
