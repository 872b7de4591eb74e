#include "hewn/ops/layer_norm/layer_norm_reference.h"

#include <cmath>

namespace hewn {

std::vector<double> layer_norm_reference(ConstView x, const LayerNormWeights& weights) {
  std::vector<double> y;
  const auto channels = static_cast<double>(x.shape.c);
  for (std::int64_t p = 0; p < x.shape.pixels(); ++p) {
    const float* row = x.pixel(p);
    double mean = 0;
    for (std::int64_t c = 0; c < x.shape.c; ++c) mean += static_cast<double>(row[c]) / channels;
    double variance = 0;
    for (std::int64_t c = 0; c < x.shape.c; ++c) {
      const double deviation = static_cast<double>(row[c]) - mean;
      variance += deviation * deviation / channels;
    }
    const double scale = 1 / std::sqrt(variance + static_cast<double>(weights.eps));
    for (std::int64_t c = 0; c < x.shape.c; ++c) {
      const auto at = static_cast<std::size_t>(c);
      y.push_back((static_cast<double>(row[c]) - mean) * scale *
                      static_cast<double>(weights.weight[at]) +
                  static_cast<double>(weights.bias[at]));
    }
  }
  return y;
}

}  // namespace hewn
