#include "hewn/ops/elementwise/map.h"
#include "hewn/ops/normalize/kernels.h"
#include "hewn/runtime/isa/lanes.h"

namespace hewn {

namespace HEWN_KERNEL_ISA {
namespace {

void l2_normalize_run(const PixelRun& run, float eps) {
  for (std::int64_t p = 0; p < run.pixels; ++p) {
    const float* x = run.x + p * run.x_stride;
    float* y = run.y + p * run.y_stride;
    Lanes squares(0);
    for_each_vector(run.channels, [&](std::int64_t column, std::int64_t lanes) {
      const Lanes v = Lanes::load(x + column, lanes);
      squares = fma(v, v, squares);
    });
    const Lanes divisor = maximum(sqrt(Lanes(reduce_add(squares))), Lanes(eps));
    for_each_vector(run.channels, [&](std::int64_t column, std::int64_t lanes) {
      (Lanes::load(x + column, lanes) / divisor).store(y + column, lanes);
    });
  }
}

}  // namespace
}  // namespace HEWN_KERNEL_ISA

template <>
const NormalizeKernels& kernels<NormalizeKernels, HEWN_KERNEL_ISA::kIsa>() {
  using namespace HEWN_KERNEL_ISA;
  static constexpr NormalizeKernels table{l2_normalize_run};
  return table;
}

}  // namespace hewn
