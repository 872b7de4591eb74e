#include "hewn/ops/elementwise/map.h"
#include "hewn/ops/softmax/kernels.h"
#include "hewn/runtime/isa/math.h"

namespace hewn {

namespace HEWN_KERNEL_ISA {
namespace {

// What stands in the lanes beyond the last channel: it is never the largest, and its power is 0.
constexpr float kAbsent = -std::numeric_limits<float>::infinity();

/// The largest of a row; may miss a NaN, which then makes the sum NaN.
float largest_of(const float* x, std::int64_t columns) {
  Lanes largest(kAbsent);
  for_each_vector(columns, [&](std::int64_t column, std::int64_t lanes) {
    const Lanes v = Lanes::load(x + column, lanes, kAbsent);
    largest = select(largest < v, v, largest);
  });
  return reduce_max(largest);
}

void softmax_rows(const Rows& rows) {
  for (std::int64_t row = 0; row < rows.count; ++row) {
    const float* x = rows.x + row * rows.x_stride;
    float* y = rows.y + row * rows.y_stride;
    const Lanes largest(largest_of(x, rows.columns));
    Lanes sums(0);
    for_each_vector(rows.columns, [&](std::int64_t column, std::int64_t lanes) {
      const Lanes power = exp(Lanes::load(x + column, lanes, kAbsent) - largest);
      power.store(y + column, lanes);
      sums = sums + power;
    });
    const Lanes sum(reduce_add(sums));
    for_each_vector(rows.columns, [&](std::int64_t column, std::int64_t lanes) {
      (Lanes::load(y + column, lanes) / sum).store(y + column, lanes);
    });
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
