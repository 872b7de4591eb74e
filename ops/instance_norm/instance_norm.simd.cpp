#include "hewn/ops/activation/apply.h"
#include "hewn/ops/elementwise/map.h"
#include "hewn/ops/instance_norm/kernels.h"

namespace hewn {

namespace HEWN_KERNEL_ISA {
namespace {

/// Pixels one after the other are one chain of additions; several vectors of channels at a time
/// keep the adders busy and read memory in order.
constexpr int kVectors = 4;

/// Σ (x − mean) and Σ (x − mean)² of one channel.
struct Sums {
  Lanes deviations = Lanes(0);
  Lanes squares = Lanes(0);
};

/// A long chain of additions in float is off by more than one rounding, by many where all x are
/// alike. What is left of the deviations, whose sum would be 0, says by how much; both moments are
/// corrected by it (Chan, Golub and LeVeque's corrected two-pass algorithm).
HEWN_INLINE void store_moments(const Moments& m, std::int64_t channel, const Lanes& mean,
                               const Sums& sums, std::int64_t lanes) {
  const Lanes shift = sums.deviations / Lanes(static_cast<float>(m.pixels));
  (mean + shift).store(m.mean + channel, lanes);
  (sums.squares - sums.deviations * shift).store(m.deviations + channel, lanes);
}

template <int count>
HEWN_INLINE void moments_of(const Moments& m, std::int64_t channel) {
  Lanes mean[count];
#pragma GCC unroll 4
  for (int i = 0; i < count; ++i) mean[i] = Lanes(0);
  for (std::int64_t p = 0; p < m.pixels; ++p) {
    const float* x = m.x + p * m.pixel_stride + channel;
#pragma GCC unroll 4
    for (int i = 0; i < count; ++i) mean[i] = mean[i] + Lanes::load(x + i * kLanes);
  }
#pragma GCC unroll 4
  for (int i = 0; i < count; ++i) mean[i] = mean[i] / Lanes(static_cast<float>(m.pixels));
  Sums sums[count];
  for (std::int64_t p = 0; p < m.pixels; ++p) {
    const float* x = m.x + p * m.pixel_stride + channel;
#pragma GCC unroll 4
    for (int i = 0; i < count; ++i) {
      const Lanes deviation = Lanes::load(x + i * kLanes) - mean[i];
      sums[i].deviations = sums[i].deviations + deviation;
      sums[i].squares = fma(deviation, deviation, sums[i].squares);
    }
  }
#pragma GCC unroll 4
  for (int i = 0; i < count; ++i) {
    store_moments(m, channel + i * kLanes, mean[i], sums[i], kLanes);
  }
}

/// The last channels, fewer than a vector.
void moments_of_rest(const Moments& m, std::int64_t channel) {
  const std::int64_t count = m.channels - channel;
  const auto load = [&](std::int64_t p) {
    return Lanes::load(m.x + p * m.pixel_stride + channel, count);
  };
  Lanes mean(0);
  for (std::int64_t p = 0; p < m.pixels; ++p) mean = mean + load(p);
  mean = mean / Lanes(static_cast<float>(m.pixels));
  Sums sums;
  for (std::int64_t p = 0; p < m.pixels; ++p) {
    const Lanes deviation = load(p) - mean;
    sums.deviations = sums.deviations + deviation;
    sums.squares = fma(deviation, deviation, sums.squares);
  }
  store_moments(m, channel, mean, sums, count);
}

void moments(const Moments& m) {
  std::int64_t channel = 0;
  for (; channel + kVectors * kLanes <= m.channels; channel += kVectors * kLanes) {
    moments_of<kVectors>(m, channel);
  }
  for (; channel + kLanes <= m.channels; channel += kLanes) moments_of<1>(m, channel);
  if (channel < m.channels) moments_of_rest(m, channel);
}

template <typename Known>
HEWN_INLINE void normalize_run(const InstanceNormRun& n, Known activation) {
  for (std::int64_t p = 0; p < n.run.pixels; ++p) {
    const float* x = n.run.x + p * n.run.x_stride;
    float* y = n.run.y + p * n.run.y_stride;
    const float* before = n.before + p * n.before_stride;
    const float* after = n.after + p * n.after_stride;
    for_each_vector(n.run.channels, [&](std::int64_t column, std::int64_t lanes) {
      Lanes value = (Lanes::load(x + column, lanes) - Lanes::load(n.mean + column, lanes)) *
                    Lanes::load(n.factor + column, lanes);
      if (n.before != nullptr) value = value + Lanes::load(before + column, lanes);
      value = activation(value);
      if (n.after != nullptr) value = value + Lanes::load(after + column, lanes);
      value.store(y + column, lanes);
    });
  }
}

void normalize(const InstanceNormRun& n) {
  with_known_kind(n.activation, [&](auto known) { normalize_run(n, known); });
}

}  // namespace
}  // namespace HEWN_KERNEL_ISA

template <>
const InstanceNormKernels& kernels<InstanceNormKernels, HEWN_KERNEL_ISA::kIsa>() {
  using namespace HEWN_KERNEL_ISA;
  static constexpr InstanceNormKernels table{moments, normalize};
  return table;
}

}  // namespace hewn
