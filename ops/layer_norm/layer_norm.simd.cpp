#include "hewn/ops/elementwise/map.h"
#include "hewn/ops/layer_norm/kernels.h"
#include "hewn/runtime/isa/lanes.h"

namespace hewn {

namespace HEWN_KERNEL_ISA {
namespace {

void layer_norm_run(const PixelRun& run, const float* weight, const float* bias, float eps) {
  const Lanes count(static_cast<float>(run.channels));
  for (std::int64_t p = 0; p < run.pixels; ++p) {
    const float* x = run.x + p * run.x_stride;
    float* y = run.y + p * run.y_stride;
    Lanes sums(0);
    for_each_vector(run.channels, [&](std::int64_t column, std::int64_t lanes) {
      sums = sums + Lanes::load(x + column, lanes);
    });
    const float mean_value = reduce_add(sums) / static_cast<float>(run.channels);
    const Lanes mean(mean_value);
    // A sum of many alike is off by more than one rounding. What is left of the deviations, whose
    // sum would be 0, says by how much; both moments are corrected by it (Chan, Golub and LeVeque's
    // corrected two-pass algorithm).
    Lanes deviations(0);
    Lanes squares(0);
    for_each_vector(run.channels, [&](std::int64_t column, std::int64_t lanes) {
      // Lanes beyond the row hold the mean itself, whose deviation is 0.
      const Lanes deviation = Lanes::load(x + column, lanes, mean_value) - mean;
      deviations = deviations + deviation;
      squares = fma(deviation, deviation, squares);
    });
    const Lanes left(reduce_add(deviations));
    const Lanes shift = left / count;
    const Lanes variance = (Lanes(reduce_add(squares)) - left * shift) / count;
    const Lanes scale = Lanes(1) / sqrt(variance + Lanes(eps));
    const Lanes offset = Lanes(0) - shift * scale;
    for_each_vector(run.channels, [&](std::int64_t column, std::int64_t lanes) {
      const Lanes normalized = fma(Lanes::load(x + column, lanes) - mean, scale, offset);
      fma(normalized, Lanes::load(weight + column, lanes), Lanes::load(bias + column, lanes))
          .store(y + column, lanes);
    });
  }
}

}  // namespace
}  // namespace HEWN_KERNEL_ISA

template <>
const LayerNormKernels& kernels<LayerNormKernels, HEWN_KERNEL_ISA::kIsa>() {
  using namespace HEWN_KERNEL_ISA;
  static constexpr LayerNormKernels table{layer_norm_run};
  return table;
}

}  // namespace hewn
