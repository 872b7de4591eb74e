#include "hewn/ops/elementwise/kernels.h"
#include "hewn/ops/elementwise/map.h"
#include "hewn/runtime/isa/math.h"

namespace hewn {

namespace HEWN_KERNEL_ISA {
namespace {

void unary_run(UnaryOp op, const PixelRun& run) {
  switch (op) {
    case UnaryOp::abs:
      return map_run(run, [](const Lanes& x) { return abs(x); });
    case UnaryOp::exp:
      return map_run(run, [](const Lanes& x) { return exp(x); });
    case UnaryOp::sqrt:
      return map_run(run, [](const Lanes& x) { return sqrt(x); });
    case UnaryOp::erf:
      return map_run(run, [](const Lanes& x) { return erf(x); });
  }
}

template <typename Function>
HEWN_INLINE void map_pairs(const PixelRun& run, const float* b, std::int64_t b_stride, Function f) {
  for (std::int64_t p = 0; p < run.pixels; ++p) {
    const float* row_a = run.x + p * run.x_stride;
    const float* row_b = b + p * b_stride;
    float* y = run.y + p * run.y_stride;
    for_each_vector(run.channels, [&](std::int64_t column, std::int64_t lanes) {
      f(Lanes::load(row_a + column, lanes), Lanes::load(row_b + column, lanes))
          .store(y + column, lanes);
    });
  }
}

void binary_run(BinaryOp op, const PixelRun& run, const float* b, std::int64_t b_stride) {
  switch (op) {
    case BinaryOp::add:
      return map_pairs(run, b, b_stride, [](const Lanes& u, const Lanes& v) { return u + v; });
    case BinaryOp::subtract:
      return map_pairs(run, b, b_stride, [](const Lanes& u, const Lanes& v) { return u - v; });
    case BinaryOp::multiply:
      return map_pairs(run, b, b_stride, [](const Lanes& u, const Lanes& v) { return u * v; });
    case BinaryOp::divide:
      return map_pairs(run, b, b_stride, [](const Lanes& u, const Lanes& v) { return u / v; });
    case BinaryOp::maximum:
      return map_pairs(run, b, b_stride,
                       [](const Lanes& u, const Lanes& v) { return maximum(u, v); });
    case BinaryOp::minimum:
      return map_pairs(run, b, b_stride,
                       [](const Lanes& u, const Lanes& v) { return minimum(u, v); });
  }
}

}  // namespace
}  // namespace HEWN_KERNEL_ISA

template <>
const ElementwiseKernels& kernels<ElementwiseKernels, HEWN_KERNEL_ISA::kIsa>() {
  using namespace HEWN_KERNEL_ISA;
  static constexpr ElementwiseKernels table{unary_run, binary_run};
  return table;
}

}  // namespace hewn
