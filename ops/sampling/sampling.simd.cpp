#include "hewn/ops/sampling/sampling.h"

#include "hewn/runtime/isa/lanes.h"

namespace hewn {

namespace HEWN_KERNEL_ISA {
namespace {

alignas(64) constexpr float kZeros[kLanes] = {};

/// Samples with 16 and more channels: the lanes are channels.
template <int kTaps>
void sample_wide(const SampleRow& r) {
  for (std::int64_t i = 0; i < r.count; ++i) {
    const float* pixels[kTaps];
    std::int64_t channel_mask[kTaps];  // keeps a tap outside on its sixteen zeros
    Lanes weights[kTaps];
#pragma GCC unroll 16
    for (int t = 0; t < kTaps; ++t) {
      const std::int64_t offset = r.offsets[t * r.count + i];
      pixels[t] = offset < 0 ? kZeros : r.in + offset;
      channel_mask[t] = offset < 0 ? 0 : -1;
      weights[t] = Lanes(r.weights[t * r.count + i]);
    }
    for (std::int64_t c = 0; c < r.channels; c += kLanes) {
      // The last group overlaps the one before it rather than run over the end.
      const std::int64_t at = c + kLanes <= r.channels ? c : r.channels - kLanes;
      Lanes sum = weights[0] * Lanes::load(pixels[0] + (at & channel_mask[0]));
#pragma GCC unroll 16
      for (int t = 1; t < kTaps; ++t) {
        sum = fma(weights[t], Lanes::load(pixels[t] + (at & channel_mask[t])), sum);
      }
      sum.store(r.out + i * r.out_stride + at);
    }
  }
}

/// Samples with few channels: the lanes are neighbouring samples.
template <int kTaps>
void sample_narrow(const SampleRow& r) {
  for (std::int64_t begin = 0; begin < r.count; begin += kLanes) {
    const std::int64_t count = r.count - begin < kLanes ? r.count - begin : kLanes;
    for (std::int64_t c = 0; c < r.channels; ++c) {
      Lanes sum;
#pragma GCC unroll 16
      for (int t = 0; t < kTaps; ++t) {
        const std::int64_t first = t * r.count + begin;
        alignas(64) float values[kLanes];
        for (std::int64_t i = 0; i < count; ++i) {
          const std::int64_t offset = r.offsets[first + i];
          values[i] = offset < 0 ? 0 : r.in[offset + c];
        }
        const Lanes value = Lanes::load(values, count);
        const Lanes weight = Lanes::load(r.weights + first, count);
        sum = t == 0 ? weight * value : fma(weight, value, sum);
      }
      alignas(64) float sums[kLanes];
      sum.store(sums);
      for (std::int64_t i = 0; i < count; ++i) r.out[(begin + i) * r.out_stride + c] = sums[i];
    }
  }
}

template <int kTaps>
void sample(const SampleRow& r) {
  if (r.channels < kLanes) {
    sample_narrow<kTaps>(r);
  } else {
    sample_wide<kTaps>(r);
  }
}

void sample_row(const SampleRow& r) {
  switch (r.taps) {
    case 1:
      return sample<1>(r);
    case 2:
      return sample<2>(r);
    case 4:
      return sample<4>(r);
    default:
      return sample<kMaxTaps>(r);
  }
}

template <int kTaps>
HEWN_INLINE Lanes blend_lanes(const float* const* rows, const float* weights, std::int64_t at,
                              std::int64_t count) {
  Lanes sum = Lanes(weights[0]) * Lanes::load(rows[0] + at, count);
#pragma GCC unroll 4
  for (int t = 1; t < kTaps; ++t) {
    sum = fma(Lanes(weights[t]), Lanes::load(rows[t] + at, count), sum);
  }
  return sum;
}

template <int kTaps>
void blend(const float* const* rows, const float* weights, float* out, std::int64_t count) {
  std::int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    blend_lanes<kTaps>(rows, weights, i, kLanes).store(out + i);
  }
  const std::int64_t rest = count - i;
  if (rest > 0) blend_lanes<kTaps>(rows, weights, i, rest).store(out + i, rest);
}

void blend_rows(const float* const* rows, const float* weights, int taps, float* out,
                std::int64_t count) {
  switch (taps) {
    case 1:
      return blend<1>(rows, weights, out, count);
    case 2:
      return blend<2>(rows, weights, out, count);
    default:
      return blend<kMaxAxisTaps>(rows, weights, out, count);
  }
}

}  // namespace
}  // namespace HEWN_KERNEL_ISA

template <>
const SamplingKernels& kernels<SamplingKernels, HEWN_KERNEL_ISA::kIsa>() {
  using namespace HEWN_KERNEL_ISA;
  static constexpr SamplingKernels table{sample_row, blend_rows};
  return table;
}

}  // namespace hewn
