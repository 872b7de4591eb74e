#include "hewn/ops/activation/activation_reference.h"

#include <cmath>
#include <numbers>

namespace hewn {

double activate_reference(const Activation& activation, double x) {
  switch (activation.kind) {
    case Activation::Kind::none:
      return x;
    case Activation::Kind::relu:
      return x < 0 ? 0 : x;
    case Activation::Kind::leaky_relu:
      return x < 0 ? x * static_cast<double>(activation.negative_slope) : x;
    case Activation::Kind::sigmoid:
      return 1 / (1 + std::exp(-x));
    case Activation::Kind::tanh:
      return std::tanh(x);
    case Activation::Kind::gelu:
      return x / 2 * (1 + std::erf(x / std::numbers::sqrt2));
    case Activation::Kind::quick_gelu:
      return x / (1 + std::exp(-1.702 * x));
  }
  return x;
}

}  // namespace hewn
