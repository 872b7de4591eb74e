#include "hewn/ops/elementwise/kernels.h"
#include "hewn/ops/elementwise/map.h"
#include "hewn/runtime/isa/math.h"

namespace hewn {

namespace HEWN_KERNEL_ISA {
namespace {

void unary_rows(UnaryOp op, const Rows& rows) {
  switch (op) {
    case UnaryOp::abs:
      return map_rows(rows, [](const Lanes& x) { return abs(x); });
    case UnaryOp::exp:
      return map_rows(rows, [](const Lanes& x) { return exp(x); });
    case UnaryOp::sqrt:
      return map_rows(rows, [](const Lanes& x) { return sqrt(x); });
    case UnaryOp::erf:
      return map_rows(rows, [](const Lanes& x) { return erf(x); });
  }
}

template <typename Function>
HEWN_INLINE void map_pairs(const Rows& rows, const float* b, std::int64_t b_stride, Function f) {
  for (std::int64_t row = 0; row < rows.count; ++row) {
    const float* row_a = rows.x + row * rows.x_stride;
    const float* row_b = b + row * b_stride;
    float* y = rows.y + row * rows.y_stride;
    for_each_vector(rows.columns, [&](std::int64_t column, std::int64_t lanes) {
      f(Lanes::load(row_a + column, lanes), Lanes::load(row_b + column, lanes))
          .store(y + column, lanes);
    });
  }
}

void binary_rows(BinaryOp op, const Rows& rows, const float* b, std::int64_t b_stride) {
  switch (op) {
    case BinaryOp::add:
      return map_pairs(rows, b, b_stride, [](const Lanes& u, const Lanes& v) { return u + v; });
    case BinaryOp::subtract:
      return map_pairs(rows, b, b_stride, [](const Lanes& u, const Lanes& v) { return u - v; });
    case BinaryOp::multiply:
      return map_pairs(rows, b, b_stride, [](const Lanes& u, const Lanes& v) { return u * v; });
    case BinaryOp::divide:
      return map_pairs(rows, b, b_stride, [](const Lanes& u, const Lanes& v) { return u / v; });
    case BinaryOp::maximum:
      return map_pairs(rows, b, b_stride,
                       [](const Lanes& u, const Lanes& v) { return maximum(u, v); });
    case BinaryOp::minimum:
      return map_pairs(rows, b, b_stride,
                       [](const Lanes& u, const Lanes& v) { return minimum(u, v); });
  }
}

}  // namespace
}  // namespace HEWN_KERNEL_ISA

template <>
const ElementwiseKernels& kernels<ElementwiseKernels, HEWN_KERNEL_ISA::kIsa>() {
  using namespace HEWN_KERNEL_ISA;
  static constexpr ElementwiseKernels table{unary_rows, binary_rows};
  return table;
}

}  // namespace hewn
