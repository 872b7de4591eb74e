#include "hewn/ops/activation/apply.h"
#include "hewn/ops/activation/kernels.h"
#include "hewn/ops/elementwise/map.h"

namespace hewn {

namespace HEWN_KERNEL_ISA {
namespace {

void activate_run(const Activation& activation, const PixelRun& run) {
  with_known_kind(activation, [&](auto known) { map_run(run, known); });
}

}  // namespace
}  // namespace HEWN_KERNEL_ISA

template <>
const ActivationKernels& kernels<ActivationKernels, HEWN_KERNEL_ISA::kIsa>() {
  using namespace HEWN_KERNEL_ISA;
  static constexpr ActivationKernels table{activate_run};
  return table;
}

}  // namespace hewn
