#include "hewn/ops/softmax/kernels.h"
#include "hewn/ops/softmax/powers.h"

namespace hewn {

namespace HEWN_KERNEL_ISA {
namespace {

void softmax_rows(const Rows& rows) {
  for (std::int64_t row = 0; row < rows.count; ++row) {
    float* y = rows.y + row * rows.y_stride;
    const float sum = powers_of_row(rows.x + row * rows.x_stride, y, rows.columns, 1);
    divide_row(y, rows.columns, sum);
  }
}

}  // namespace
}  // namespace HEWN_KERNEL_ISA

template <>
const SoftmaxKernels& kernels<SoftmaxKernels, HEWN_KERNEL_ISA::kIsa>() {
  using namespace HEWN_KERNEL_ISA;
  static constexpr SoftmaxKernels table{softmax_rows};
  return table;
}

}  // namespace hewn
