#include "hewn/ops/correlation/kernels.h"
#include "hewn/runtime/isa/lanes.h"

namespace hewn {

namespace HEWN_KERNEL_ISA {
namespace {

void sample(const CorrelationWindow& w) {
  const std::int64_t side = 2 * w.radius + 1;
  const Lanes fraction_x(w.fraction_x);
  const Lanes fraction_y(w.fraction_y);
  const auto column = [&](std::int64_t x) {
    const float* from = w.products + x * w.column_stride;
    return lerp(Lanes::load(from, side), Lanes::load(from + 1, side), fraction_y);
  };
  Lanes left = column(0);
  for (std::int64_t x = 0; x < side; ++x) {
    const Lanes right = column(x + 1);
    lerp(left, right, fraction_x).store(w.out + x * side, side);
    left = right;
  }
}

/// Vectors side by side, so that their chains of additions overlap.
template <int count>
HEWN_INLINE void dot_block(const CorrelationProducts& p, std::int64_t first) {
  Lanes sums[count];
#pragma GCC unroll 8
  for (int i = 0; i < count; ++i) sums[i] = Lanes(0);
  const float* others = p.others + first * p.stride;
  std::int64_t channel = 0;
  for (; channel + kLanes <= p.channels; channel += kLanes) {
    const Lanes feature = Lanes::load(p.feature + channel);
#pragma GCC unroll 8
    for (int i = 0; i < count; ++i) {
      sums[i] = fma(feature, Lanes::load(others + i * p.stride + channel), sums[i]);
    }
  }
  if (channel < p.channels) {
    const std::int64_t rest = p.channels - channel;
    const Lanes feature = Lanes::load(p.feature + channel, rest);
#pragma GCC unroll 8
    for (int i = 0; i < count; ++i) {
      sums[i] = fma(feature, Lanes::load(others + i * p.stride + channel, rest), sums[i]);
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < count; ++i) p.out[first + i] = reduce_add(sums[i]);
}

void dot(const CorrelationProducts& p) {
  constexpr int kBlock = 5;  // half of a window of radius 4
  std::int64_t i = 0;
  for (; i + kBlock <= p.count; i += kBlock) dot_block<kBlock>(p, i);
  for (; i < p.count; ++i) dot_block<1>(p, i);
}

}  // namespace
}  // namespace HEWN_KERNEL_ISA

template <>
const CorrelationKernels& kernels<CorrelationKernels, HEWN_KERNEL_ISA::kIsa>() {
  using namespace HEWN_KERNEL_ISA;
  static constexpr CorrelationKernels table{sample, dot};
  return table;
}

}  // namespace hewn
