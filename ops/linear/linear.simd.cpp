#include "hewn/ops/linear/kernels.h"
#include "hewn/runtime/isa/lanes.h"

namespace hewn {

namespace HEWN_KERNEL_ISA {
namespace {

void widen(const std::uint16_t* from, float* to, std::int64_t count) {
  for (std::int64_t i = 0; i < count; i += kLanes) Lanes::load_halves(from + i).store(to + i);
}

}  // namespace
}  // namespace HEWN_KERNEL_ISA

template <>
const LinearKernels& kernels<LinearKernels, HEWN_KERNEL_ISA::kIsa>() {
  using namespace HEWN_KERNEL_ISA;
  static constexpr LinearKernels table{widen};
  return table;
}

}  // namespace hewn
