#include "hewn/ops/resize/resize_reference.h"

#include <algorithm>
#include <cmath>

namespace hewn {

namespace {

using Mode = ResizeParams::Mode;

/// How much a pixel at distance d counts.
double weight_at(Mode mode, double d) {
  d = std::abs(d);
  if (mode == Mode::nearest) return d == 0 ? 1 : 0;
  if (mode == Mode::bilinear) return std::max(0.0, 1 - d);
  constexpr double a = -0.75;
  if (d <= 1) return (a + 2) * d * d * d - (a + 3) * d * d + 1;
  if (d < 2) return a * d * d * d - 5 * a * d * d + 8 * a * d - 4 * a;
  return 0;
}

/// Where output pixel i lies among the input's pixels.
double position_of(std::int64_t i, std::int64_t in, std::int64_t out, const ResizeParams& params,
                   std::optional<double> scale) {
  if (params.mode == Mode::nearest) {
    if (in == out) return static_cast<double>(i);
    if (out == 2 * in) return static_cast<double>(i / 2);
    const float step =
        scale ? static_cast<float>(1 / *scale) : static_cast<float>(in) / static_cast<float>(out);
    return std::min(std::floor(static_cast<double>(static_cast<float>(i) * step)),
                    static_cast<double>(in - 1));
  }
  if (params.mode == Mode::bilinear && in == out) return static_cast<double>(i);
  const auto at = static_cast<double>(i);
  if (params.align_corners) {
    return out > 1 ? at * static_cast<double>(in - 1) / static_cast<double>(out - 1) : 0;
  }
  const double step = scale ? 1 / *scale : static_cast<double>(in) / static_cast<double>(out);
  const double position = (at + 0.5) * step - 0.5;
  const auto last = static_cast<double>(in - 1);
  return params.mode == Mode::bilinear ? std::clamp(position, 0.0, last) : position;
}

}  // namespace

std::vector<double> resize_reference(ConstView x, const ResizeParams& params, std::int64_t h,
                                     std::int64_t w) {
  std::vector<double> y;
  for (std::int64_t n = 0; n < x.shape.n; ++n) {
    for (std::int64_t oy = 0; oy < h; ++oy) {
      const double py = position_of(oy, x.shape.h, h, params, params.scale_h);
      for (std::int64_t ox = 0; ox < w; ++ox) {
        const double px = position_of(ox, x.shape.w, w, params, params.scale_w);
        for (std::int64_t c = 0; c < x.shape.c; ++c) {
          double sum = 0;
          // Pixels beyond the border repeat it.
          const auto iy = static_cast<std::int64_t>(std::floor(py));
          const auto ix = static_cast<std::int64_t>(std::floor(px));
          for (std::int64_t ty = iy - 1; ty <= iy + 2; ++ty) {
            for (std::int64_t tx = ix - 1; tx <= ix + 2; ++tx) {
              const double weight = weight_at(params.mode, py - static_cast<double>(ty)) *
                                    weight_at(params.mode, px - static_cast<double>(tx));
              if (weight == 0) continue;
              const auto cy = std::clamp<std::int64_t>(ty, 0, x.shape.h - 1);
              const auto cx = std::clamp<std::int64_t>(tx, 0, x.shape.w - 1);
              sum += weight * static_cast<double>(x.pixel(n, cy, cx)[c]);
            }
          }
          y.push_back(sum);
        }
      }
    }
  }
  return y;
}

}  // namespace hewn
