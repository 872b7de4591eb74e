// Winograd's weight transform. Compiled once, for the baseline, since it decides bits.
#include "hewn/ops/conv2d/winograd.h"
#include "hewn/ops/conv2d/winograd_points.h"
#include "hewn/ops/gemm/gemm.h"

#include <vector>

namespace hewn {

namespace {

using Matrix = std::vector<std::vector<double>>;

/// G of F(outputs, taps), row by row: [1, p, p², …] / Π_{q≠p} (p − q) for each finite point p,
/// then, where ∞ is a point, the last tap alone.
template <int outputs, int taps>
Matrix make_weight_transform() {
  if (taps == 1) return {{1}};
  std::vector<double> points{0};
  for (const double p : WinogradPoints<outputs, taps>::pairs) {
    points.push_back(p);
    points.push_back(-p);
  }
  Matrix rows;
  for (const double p : points) {
    double divisor = 1;
    for (const double q : points) divisor *= q == p ? 1 : p - q;
    std::vector<double> row(taps);
    double power = 1 / divisor;
    for (double& value : row) {
      value = power;
      power *= p;
    }
    rows.push_back(row);
  }
  if (rows.size() + 1 == outputs + taps - 1) rows.emplace_back(taps).back() = 1;
  return rows;
}

/// By the number of taps: every algorithm has 4 outputs an axis, but for F(2×2, 3×3).
Matrix weight_transform(int outputs, int taps) {
  if (taps == 1) return make_weight_transform<1, 1>();
  if (taps == 2) return make_weight_transform<4, 2>();
  if (taps == 5) return make_weight_transform<4, 5>();
  return outputs == 2 ? make_weight_transform<2, 3>() : make_weight_transform<4, 3>();
}

}  // namespace

WinogradTile winograd_tile(Conv2dAlgorithm algorithm) {
  switch (algorithm) {
    case Conv2dAlgorithm::winograd_2x2_3x3:
      return {.outputs_h = 2, .taps_h = 3, .outputs_w = 2, .taps_w = 3};
    case Conv2dAlgorithm::winograd_3x3s2:
      return {.outputs_h = 4, .taps_h = 2, .outputs_w = 4, .taps_w = 2, .stride = 2};
    case Conv2dAlgorithm::winograd_1x4_1x5:
      return {.outputs_h = 1, .taps_h = 1, .outputs_w = 4, .taps_w = 5};
    case Conv2dAlgorithm::winograd_4x1_5x1:
      return {.outputs_h = 4, .taps_h = 5, .outputs_w = 1, .taps_w = 1};
    case Conv2dAlgorithm::winograd_4x4_3x3:
    case Conv2dAlgorithm::direct:
      break;
  }
  return {.outputs_h = 4, .taps_h = 3, .outputs_w = 4, .taps_w = 3};
}

WinogradProducts winograd_products(const WinogradTile& tile) {
  WinogradProducts products;
  for (int i = 0; i < tile.products(); ++i) {
    WinogradProduct& product = products.of[static_cast<std::size_t>(i)];
    product.first = products.parts;
    for (int part = 0; part < tile.parts(); ++part) {
      const bool zero = (part / tile.stride > 0 && i / tile.points_w() == 0) ||
                        (part % tile.stride > 0 && i % tile.points_w() == 0);
      if (!zero) product.parts[static_cast<std::size_t>(product.count++)] = part;
    }
    products.parts += product.count;
  }
  return products;
}

bool winograd_applies(Conv2dAlgorithm algorithm, const Conv2dParams& params, const Shape& weights) {
  const WinogradTile tile = winograd_tile(algorithm);
  const bool dilated = params.dilation_h != 1 || params.dilation_w != 1;
  return params.groups == 1 && params.stride_h == tile.stride && params.stride_w == tile.stride &&
         (tile.stride == 1 || !dilated) && weights[2] == tile.kernel_h() &&
         weights[3] == tile.kernel_w();
}

Tensor pack_winograd(const Conv2dWeights& weights, Conv2dAlgorithm algorithm) {
  const WinogradTile tile = winograd_tile(algorithm);
  const WinogradProducts products = winograd_products(tile);
  const Matrix columns = weight_transform(tile.outputs_h, tile.taps_h);
  const Matrix rows = weight_transform(tile.outputs_w, tile.taps_w);
  const std::int64_t out_channels = weights.shape[0];
  const std::int64_t depth = weights.shape[1];
  const std::int64_t panels = divide_up(out_channels, kPanel);
  Tensor packed({panels, products.parts, depth, kPanel});
  fill(packed.view(), 0);
  // A weight at one of Winograd's points, of one part of the input.
  const auto transformed = [&](const float* kernel, int product, int part) {
    const auto& column = columns[static_cast<std::size_t>(product / tile.points_w())];
    const auto& row = rows[static_cast<std::size_t>(product % tile.points_w())];
    double sum = 0;
    for (int y = 0; y < tile.taps_h; ++y) {
      for (int x = 0; x < tile.taps_w; ++x) {
        const int kernel_y = tile.kernel_tap(part / tile.stride, y);
        const int kernel_x = tile.kernel_tap(part % tile.stride, x);
        if (kernel_y < 0 || kernel_x < 0) continue;
        sum += column[static_cast<std::size_t>(y)] * row[static_cast<std::size_t>(x)] *
               static_cast<double>(kernel[kernel_y * tile.kernel_w() + kernel_x]);
      }
    }
    return static_cast<float>(sum);
  };
  for (std::int64_t out = 0; out < out_channels; ++out) {
    for (std::int64_t k = 0; k < depth; ++k) {
      const float* kernel =
          weights.weight.data() + (out * depth + k) * tile.kernel_h() * tile.kernel_w();
      std::int64_t place = 0;
      for (int i = 0; i < tile.products(); ++i) {
        const WinogradProduct& product = products.of[static_cast<std::size_t>(i)];
        for (int part = 0; part < product.count; ++part) {
          packed.view().pixel(out / kPanel, place++, k)[out % kPanel] =
              transformed(kernel, i, product.parts[static_cast<std::size_t>(part)]);
        }
      }
    }
  }
  return packed;
}

}  // namespace hewn
