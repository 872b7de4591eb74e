// Winograd's weight transform. Compiled once, for the baseline, since it decides bits.
#include "hewn/ops/conv2d/winograd.h"
#include "hewn/ops/conv2d/winograd_points.h"
#include "hewn/ops/gemm/gemm.h"

#include <vector>

namespace hewn {

namespace {

/// G of F(outputs, taps), row by row: [1, p, p², …] / Π_{q≠p} (p − q) for each finite point p, then
/// the last tap alone.
template <int outputs, int taps>
std::vector<std::array<double, taps>> weight_transform() {
  std::vector<double> points{0};
  for (const double p : WinogradPoints<outputs, taps>::pairs) {
    points.push_back(p);
    points.push_back(-p);
  }
  std::vector<std::array<double, taps>> rows;
  for (const double p : points) {
    double divisor = 1;
    for (const double q : points) divisor *= q == p ? 1 : p - q;
    std::array<double, taps> row{};
    double power = 1 / divisor;
    for (double& value : row) {
      value = power;
      power *= p;
    }
    rows.push_back(row);
  }
  rows.emplace_back().back() = 1;
  return rows;
}

}  // namespace

bool winograd_applies(const Conv2dParams& params, const Shape& weights) {
  constexpr std::int64_t kEnoughChannels = 16;
  return params.groups == 1 && params.stride_h == 1 && params.stride_w == 1 && weights[2] == 3 &&
         weights[3] == 3 && weights[0] >= kEnoughChannels && weights[1] >= kEnoughChannels;
}

Tensor pack_winograd(const Conv2dWeights& weights) {
  constexpr int kTaps = 3;
  const auto g = weight_transform<4, kTaps>();
  const auto points = static_cast<std::int64_t>(g.size());
  const std::int64_t out_channels = weights.shape[0];
  const std::int64_t depth = weights.shape[1];
  const std::int64_t panels = (out_channels + kPanel - 1) / kPanel;
  Tensor packed({panels, points * points, depth, kPanel});
  fill(packed.view(), 0);
  for (std::int64_t out = 0; out < out_channels; ++out) {
    for (std::int64_t k = 0; k < depth; ++k) {
      const float* kernel = weights.weight.data() + (out * depth + k) * kTaps * kTaps;
      for (std::int64_t product = 0; product < points * points; ++product) {
        const auto& row = g[static_cast<std::size_t>(product / points)];
        const auto& column = g[static_cast<std::size_t>(product % points)];
        double sum = 0;
        for (std::size_t tap = 0; tap < kTaps * kTaps; ++tap) {
          sum += row[tap / kTaps] * column[tap % kTaps] * static_cast<double>(kernel[tap]);
        }
        packed.view().pixel(out / kPanel, product, k)[out % kPanel] = static_cast<float>(sum);
      }
    }
  }
  return packed;
}

}  // namespace hewn
