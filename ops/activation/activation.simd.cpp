#include "hewn/ops/activation/apply.h"
#include "hewn/ops/activation/kernels.h"
#include "hewn/ops/elementwise/map.h"

namespace hewn {

namespace HEWN_KERNEL_ISA {
namespace {

/// With the kind known to the compiler, the loop holds one activation and no branch.
template <Activation::Kind kind>
void activate_rows(const Activation& activation, const Rows& rows) {
  const Activation known{.kind = kind, .negative_slope = activation.negative_slope};
  map_rows(rows, [&](const Lanes& x) { return apply(known, x); });
}

void activate_any(const Activation& activation, const Rows& rows) {
  using Kind = Activation::Kind;
  switch (activation.kind) {
    case Kind::none:
      return activate_rows<Kind::none>(activation, rows);
    case Kind::relu:
      return activate_rows<Kind::relu>(activation, rows);
    case Kind::leaky_relu:
      return activate_rows<Kind::leaky_relu>(activation, rows);
    case Kind::sigmoid:
      return activate_rows<Kind::sigmoid>(activation, rows);
    case Kind::tanh:
      return activate_rows<Kind::tanh>(activation, rows);
    case Kind::gelu:
      return activate_rows<Kind::gelu>(activation, rows);
    case Kind::quick_gelu:
      return activate_rows<Kind::quick_gelu>(activation, rows);
  }
}

}  // namespace
}  // namespace HEWN_KERNEL_ISA

template <>
const ActivationKernels& kernels<ActivationKernels, HEWN_KERNEL_ISA::kIsa>() {
  using namespace HEWN_KERNEL_ISA;
  static constexpr ActivationKernels table{activate_any};
  return table;
}

}  // namespace hewn
