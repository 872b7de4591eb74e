#include "hewn/ops/normalize/normalize_reference.h"

#include <cmath>

namespace hewn {

std::vector<double> l2_normalize_reference(ConstView x, double eps) {
  std::vector<double> y;
  for (std::int64_t p = 0; p < x.shape.pixels(); ++p) {
    const float* from = x.pixel(p);
    double squares = 0;
    for (std::int64_t c = 0; c < x.shape.c; ++c) {
      squares += static_cast<double>(from[c]) * static_cast<double>(from[c]);
    }
    const double norm = std::sqrt(squares);
    const double divisor = norm < eps ? eps : norm;  // this way round NaN passes
    for (std::int64_t c = 0; c < x.shape.c; ++c) y.push_back(from[c] / divisor);
  }
  return y;
}

}  // namespace hewn
