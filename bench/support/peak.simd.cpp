#include "hewn/runtime/isa/lanes.h"

#include "bench/support/peak_kernels.h"

namespace hewn {

namespace HEWN_KERNEL_ISA {
namespace {

/// Independent chains of 16 lanes. A multiply-add takes some 4 cycles and two start in each, so at
/// least 8 registers must be in flight; and all must fit into the 16 or 32 registers there are.
constexpr int chains() {
  switch (kIsa) {
    case Isa::avx512:
      return 12;     // 12 registers of 32
    case Isa::avx2:  // 10 of 16
    case Isa::neon:  // 20 of 32
      return 5;
    case Isa::sse42:
      return 3;  // 12 of 16
    case Isa::scalar:
      return 1;
  }
}
constexpr int kChains = chains();

float run(std::int64_t rounds, float scale, float offset) {
  const Lanes a(scale);
  const Lanes b(offset);
  // Every lane starts elsewhere: of registers with equal values the compiler would keep only one.
  float start[kChains * kLanes];
  for (int i = 0; i < kChains * kLanes; ++i) start[i] = static_cast<float>(i);
  Lanes x[kChains];
#pragma GCC unroll 16
  for (int i = 0; i < kChains; ++i) x[i] = Lanes::load(start + i * kLanes);
  for (std::int64_t round = 0; round < rounds; ++round) {
#pragma GCC unroll 16
    for (int i = 0; i < kChains; ++i) x[i] = fma(x[i], a, b);
  }
  Lanes sum = x[0];
#pragma GCC unroll 16
  for (int i = 1; i < kChains; ++i) sum = sum + x[i];
  return reduce_add(sum);
}

}  // namespace
}  // namespace HEWN_KERNEL_ISA

template <>
const bench::PeakKernels& kernels<bench::PeakKernels, HEWN_KERNEL_ISA::kIsa>() {
  using namespace HEWN_KERNEL_ISA;
  static constexpr bench::PeakKernels table{kChains * kLanes, run};
  return table;
}

}  // namespace hewn
