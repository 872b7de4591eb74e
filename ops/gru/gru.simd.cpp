#include "hewn/ops/elementwise/map.h"
#include "hewn/ops/gru/kernels.h"
#include "hewn/runtime/isa/math.h"

namespace hewn {

namespace HEWN_KERNEL_ISA {
namespace {

void update(const GruUpdate& u) {
  for (std::int64_t row = 0; row < u.count; ++row) {
    const float* z = u.z + row * u.z_stride;
    const float* q = u.q + row * u.q_stride;
    float* h = u.h + row * u.h_stride;
    for_each_vector(u.columns, [&](std::int64_t column, std::int64_t lanes) {
      lerp(Lanes::load(h + column, lanes), Lanes::load(q + column, lanes),
           Lanes::load(z + column, lanes))
          .store(h + column, lanes);
    });
  }
}

void cell(const GruCellRow& row) {
  for_each_vector(row.hidden, [&](std::int64_t column, std::int64_t lanes) {
    const auto input = [&](int gate) {
      return Lanes::load(row.input + gate * row.hidden + column, lanes);
    };
    const auto state = [&](int gate) {
      return Lanes::load(row.state + gate * row.hidden + column, lanes);
    };
    const Lanes r = sigmoid(input(0) + state(0));
    const Lanes z = sigmoid(input(1) + state(1));
    const Lanes n = tanh(fma(r, state(2), input(2)));
    lerp(n, Lanes::load(row.h + column, lanes), z).store(row.y + column, lanes);
  });
}

}  // namespace
}  // namespace HEWN_KERNEL_ISA

template <>
const GruKernels& kernels<GruKernels, HEWN_KERNEL_ISA::kIsa>() {
  using namespace HEWN_KERNEL_ISA;
  static constexpr GruKernels table{update, cell};
  return table;
}

}  // namespace hewn
