#include "hewn/ops/attention/kernels.h"
#include "hewn/ops/elementwise/map.h"
#include "hewn/runtime/isa/math.h"

namespace hewn {

namespace HEWN_KERNEL_ISA {
namespace {

// What stands in the lanes beyond the last key: it is never the largest, and its power is 0.
constexpr float kAbsent = -std::numeric_limits<float>::infinity();

/// exp(scale · (score − largest)) of a row, and their sum. A NaN among them makes the sum NaN.
float powers_of_row(float* row, std::int64_t columns, float scale) {
  Lanes largest(kAbsent);
  for_each_vector(columns, [&](std::int64_t column, std::int64_t lanes) {
    const Lanes v = Lanes::load(row + column, lanes, kAbsent);
    largest = select(largest < v, v, largest);
  });
  const Lanes shift(reduce_max(largest));
  Lanes sums(0);
  for_each_vector(columns, [&](std::int64_t column, std::int64_t lanes) {
    const Lanes power = exp((Lanes::load(row + column, lanes, kAbsent) - shift) * Lanes(scale));
    power.store(row + column, lanes);
    sums = sums + power;
  });
  return reduce_add(sums);
}

void powers(const Scores& scores, float scale, float* sums) {
  for (std::int64_t row = 0; row < scores.rows; ++row) {
    sums[row] = powers_of_row(scores.data + row * scores.stride, scores.columns, scale);
  }
}

void divide(const Scores& y, const float* sums) {
  for (std::int64_t row = 0; row < y.rows; ++row) {
    float* values = y.data + row * y.stride;
    for_each_vector(y.columns, [&](std::int64_t column, std::int64_t lanes) {
      (Lanes::load(values + column, lanes) / Lanes(sums[row])).store(values + column, lanes);
    });
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
  const Lanes sum(powers_of_row(c.scores, c.count, c.scale));
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
