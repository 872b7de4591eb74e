#include "hewn/ops/activation/apply.h"
#include "hewn/ops/activation/kernels.h"
#include "hewn/ops/elementwise/map.h"

namespace hewn {

namespace HEWN_KERNEL_ISA {
namespace {

void activate_rows(const Activation& activation, const Rows& rows) {
  with_known_kind(activation, [&](auto known) { map_rows(rows, known); });
}

}  // namespace
}  // namespace HEWN_KERNEL_ISA

template <>
const ActivationKernels& kernels<ActivationKernels, HEWN_KERNEL_ISA::kIsa>() {
  using namespace HEWN_KERNEL_ISA;
  static constexpr ActivationKernels table{activate_rows};
  return table;
}

}  // namespace hewn
