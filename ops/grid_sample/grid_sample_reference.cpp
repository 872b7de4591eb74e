#include "hewn/ops/grid_sample/grid_sample_reference.h"

#include <algorithm>
#include <cmath>
#include <optional>

namespace hewn {

namespace {

using Mode = GridSampleParams::Mode;
using Padding = GridSampleParams::Padding;

/// How much a pixel at distance d counts.
double weight_at(Mode mode, double d) {
  d = std::abs(d);
  if (mode == Mode::nearest) return d < 0.5 ? 1 : 0;
  if (mode == Mode::bilinear) return std::max(0.0, 1 - d);
  constexpr double a = -0.75;
  if (d <= 1) return (a + 2) * d * d * d - (a + 3) * d * d + 1;
  if (d < 2) return a * d * d * d - 5 * a * d * d + 8 * a * d - 4 * a;
  return 0;
}

/// The pixel that stands at `i` of an endless row; none where that is 0.
std::optional<std::int64_t> pixel_at(std::int64_t i, std::int64_t size,
                                     const GridSampleParams& params) {
  if (i >= 0 && i < size) return i;
  if (params.padding == Padding::zeros) return std::nullopt;
  if (params.padding == Padding::border) return std::clamp<std::int64_t>(i, 0, size - 1);
  if (params.align_corners && size == 1) return 0;
  // Mirrored at the centres of the border pixels, these stand once in a period, else twice.
  const std::int64_t period = params.align_corners ? 2 * (size - 1) : 2 * size;
  const std::int64_t within = ((i % period) + period) % period;
  return within < size ? within : (params.align_corners ? period : period - 1) - within;
}

double position_of(float grid, std::int64_t size, bool align_corners) {
  const double fraction = (static_cast<double>(grid) + 1) / 2;
  return align_corners ? fraction * static_cast<double>(size - 1)
                       : fraction * static_cast<double>(size) - 0.5;
}

double sample(ConstView x, const GridSampleParams& params, std::int64_t n, std::int64_t c,
              const float* at) {
  const double px = position_of(at[0], x.shape.w, params.align_corners);
  const double py = position_of(at[1], x.shape.h, params.align_corners);
  const auto ix = static_cast<std::int64_t>(std::floor(px));
  const auto iy = static_cast<std::int64_t>(std::floor(py));
  double sum = 0;
  for (std::int64_t ty = iy - 1; ty <= iy + 2; ++ty) {
    for (std::int64_t tx = ix - 1; tx <= ix + 2; ++tx) {
      const auto row = pixel_at(ty, x.shape.h, params);
      const auto column = pixel_at(tx, x.shape.w, params);
      if (!row || !column) continue;
      sum += weight_at(params.mode, py - static_cast<double>(ty)) *
             weight_at(params.mode, px - static_cast<double>(tx)) *
             static_cast<double>(x.pixel(n, *row, *column)[c]);
    }
  }
  return sum;
}

}  // namespace

std::vector<double> grid_sample_reference(ConstView x, ConstView grid,
                                          const GridSampleParams& params) {
  std::vector<double> y;
  for (std::int64_t n = 0; n < grid.shape.n; ++n) {
    for (std::int64_t i = 0; i < grid.shape.h; ++i) {
      for (std::int64_t j = 0; j < grid.shape.w; ++j) {
        for (std::int64_t c = 0; c < x.shape.c; ++c) {
          y.push_back(sample(x, params, n, c, grid.pixel(n, i, j)));
        }
      }
    }
  }
  return y;
}

}  // namespace hewn
