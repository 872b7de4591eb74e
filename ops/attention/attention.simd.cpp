#include "hewn/ops/attention/kernels.h"
#include "hewn/ops/softmax/powers.h"

namespace hewn {

namespace HEWN_KERNEL_ISA {
namespace {

void powers(const Scores& scores, float scale, float* sums) {
  for (std::int64_t row = 0; row < scores.rows; ++row) {
    float* values = scores.data + row * scores.stride;
    sums[row] = powers_of_row(values, values, scores.columns, scale);
  }
}

void divide(const Scores& y, const float* sums) {
  for (std::int64_t row = 0; row < y.rows; ++row) {
    divide_row(y.data + row * y.stride, y.columns, sums[row]);
  }
}

void chain(const ChainAttention& c) {
  for (std::int64_t i = 0; i < c.count; ++i) {
    const float* key = c.k + c.rows[i] * c.k_stride;
    Lanes products(0);
    for_each_vector(c.depth, [&](std::int64_t column, std::int64_t lanes) {
      products = fma(Lanes::load(c.q + column, lanes), Lanes::load(key + column, lanes), products);
    });
    c.scores[i] = reduce_add(products);
  }
  const Lanes sum(powers_of_row(c.scores, c.scores, c.count, c.scale));
  for_each_vector(c.depth, [&](std::int64_t column, std::int64_t lanes) {
    Lanes y(0);
    for (std::int64_t i = 0; i < c.count; ++i) {
      y = fma(Lanes(c.scores[i]), Lanes::load(c.v + c.rows[i] * c.v_stride + column, lanes), y);
    }
    (y / sum).store(c.y + column, lanes);
  });
}

}  // namespace
}  // namespace HEWN_KERNEL_ISA

template <>
const AttentionKernels& kernels<AttentionKernels, HEWN_KERNEL_ISA::kIsa>() {
  using namespace HEWN_KERNEL_ISA;
  static constexpr AttentionKernels table{powers, divide, chain};
  return table;
}

}  // namespace hewn
