#include "hewn/ops/correlation/correlation_reference.h"

#include <cmath>

namespace hewn {

namespace {

/// A map of one channel.
struct Plane {
  std::int64_t h, w;
  std::vector<double> values;

  double at(std::int64_t y, std::int64_t x) const {
    if (y < 0 || y >= h || x < 0 || x >= w) return 0;
    return values[static_cast<std::size_t>(y * w + x)];
  }

  double sample(double y, double x) const {
    const double top = std::floor(y);
    const double left = std::floor(x);
    const auto row = static_cast<std::int64_t>(top);
    const auto column = static_cast<std::int64_t>(left);
    const double upper = (1 - (x - left)) * at(row, column) + (x - left) * at(row, column + 1);
    const double lower =
        (1 - (x - left)) * at(row + 1, column) + (x - left) * at(row + 1, column + 1);
    return (1 - (y - top)) * upper + (y - top) * lower;
  }

  Plane halved() const {
    Plane half{.h = h / 2, .w = w / 2, .values = {}};
    for (std::int64_t y = 0; y < half.h; ++y) {
      for (std::int64_t x = 0; x < half.w; ++x) {
        half.values.push_back((at(2 * y, 2 * x) + at(2 * y, 2 * x + 1) + at(2 * y + 1, 2 * x) +
                               at(2 * y + 1, 2 * x + 1)) /
                              4);
      }
    }
    return half;
  }
};

/// The correlations of one feature vector with all pixels of image n.
Plane correlate(const float* feature, ConstView features2, std::int64_t n) {
  const Nhwc& s = features2.shape;
  Plane plane{.h = s.h, .w = s.w, .values = {}};
  for (std::int64_t y = 0; y < s.h; ++y) {
    for (std::int64_t x = 0; x < s.w; ++x) {
      double sum = 0;
      for (std::int64_t c = 0; c < s.c; ++c) {
        sum += static_cast<double>(feature[c]) * static_cast<double>(features2.pixel(n, y, x)[c]);
      }
      plane.values.push_back(sum / std::sqrt(static_cast<double>(s.c)));
    }
  }
  return plane;
}

}  // namespace

std::vector<double> correlation_reference(ConstView features1, ConstView features2, ConstView flow,
                                          const CorrelationParams& params) {
  const Nhwc& s = features1.shape;
  std::vector<double> result;
  for (std::int64_t n = 0; n < s.n; ++n) {
    for (std::int64_t i = 0; i < s.h; ++i) {
      for (std::int64_t j = 0; j < s.w; ++j) {
        Plane plane = correlate(features1.pixel(n, i, j), features2, n);
        const float* vector = flow.pixel(n, i, j);
        double x = static_cast<double>(j) + static_cast<double>(vector[0]);
        double y = static_cast<double>(i) + static_cast<double>(vector[1]);
        for (std::int64_t level = 0; level < params.levels; ++level) {
          for (std::int64_t dx = -params.radius; dx <= params.radius; ++dx) {
            for (std::int64_t dy = -params.radius; dy <= params.radius; ++dy) {
              result.push_back(
                  plane.sample(y + static_cast<double>(dy), x + static_cast<double>(dx)));
            }
          }
          plane = plane.halved();
          x /= 2;
          y /= 2;
        }
      }
    }
  }
  return result;
}

}  // namespace hewn
