#include "hewn/ops/softmax/softmax_reference.h"

#include <algorithm>
#include <cmath>

namespace hewn {

std::vector<double> softmax_reference(ConstView x) {
  std::vector<double> y;
  const std::int64_t channels = x.shape.c;
  for (std::int64_t p = 0; channels > 0 && p < x.shape.pixels(); ++p) {
    const float* from = x.pixel(p);
    const double largest = *std::max_element(from, from + channels);
    double sum = 0;
    for (std::int64_t c = 0; c < channels; ++c) sum += std::exp(from[c] - largest);
    for (std::int64_t c = 0; c < channels; ++c) y.push_back(std::exp(from[c] - largest) / sum);
  }
  return y;
}

}  // namespace hewn
