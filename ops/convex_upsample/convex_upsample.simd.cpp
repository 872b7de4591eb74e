#include "hewn/ops/convex_upsample/kernels.h"
#include "hewn/ops/elementwise/map.h"
#include "hewn/runtime/isa/math.h"

namespace hewn {

namespace HEWN_KERNEL_ISA {
namespace {

constexpr int kNeighbours = 9;

void upsample_pixel(const ConvexUpsamplePixel& p) {
  for_each_vector(p.fine, [&](std::int64_t column, std::int64_t lanes) {
    Lanes logits[kNeighbours];
    for (int k = 0; k < kNeighbours; ++k) {
      logits[k] = Lanes::load(p.logits + k * p.fine + column, lanes);
    }
    Lanes largest = logits[0];
    for (int k = 1; k < kNeighbours; ++k) largest = maximum(largest, logits[k]);
    Lanes total(0);
    Lanes x(0);
    Lanes y(0);
    for (int k = 0; k < kNeighbours; ++k) {
      const Lanes weight = exp(logits[k] - largest);
      total = total + weight;
      x = fma(weight, Lanes(p.neighbours[k][0]), x);
      y = fma(weight, Lanes(p.neighbours[k][1]), y);
    }
    (x / total).store(p.x + column, lanes);
    (y / total).store(p.y + column, lanes);
  });
}

}  // namespace
}  // namespace HEWN_KERNEL_ISA

template <>
const ConvexUpsampleKernels& kernels<ConvexUpsampleKernels, HEWN_KERNEL_ISA::kIsa>() {
  using namespace HEWN_KERNEL_ISA;
  static constexpr ConvexUpsampleKernels table{upsample_pixel};
  return table;
}

}  // namespace hewn
