#include "hewn/ops/softmax/kernels.h"
#include "hewn/ops/softmax/powers.h"

namespace hewn {

namespace HEWN_KERNEL_ISA {
namespace {

void softmax_run(const PixelRun& run) {
  for (std::int64_t p = 0; p < run.pixels; ++p) {
    float* y = run.y + p * run.y_stride;
    const float sum = powers_of_row(run.x + p * run.x_stride, y, run.channels, 1);
    divide_row(y, run.channels, sum);
  }
}

}  // namespace
}  // namespace HEWN_KERNEL_ISA

template <>
const SoftmaxKernels& kernels<SoftmaxKernels, HEWN_KERNEL_ISA::kIsa>() {
  using namespace HEWN_KERNEL_ISA;
  static constexpr SoftmaxKernels table{softmax_run};
  return table;
}

}  // namespace hewn
