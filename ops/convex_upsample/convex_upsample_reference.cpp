#include "hewn/ops/convex_upsample/convex_upsample_reference.h"

#include <cmath>

namespace hewn {

std::vector<double> convex_upsample_reference(ConstView flow, ConstView logits,
                                              std::int64_t factor) {
  const Nhwc& s = flow.shape;
  std::vector<double> result;
  for (std::int64_t n = 0; n < s.n; ++n) {
    for (std::int64_t y = 0; y < factor * s.h; ++y) {
      for (std::int64_t x = 0; x < factor * s.w; ++x) {
        const float* cell = logits.pixel(n, y / factor, x / factor);
        double total = 0;
        double sums[2] = {0, 0};
        for (std::int64_t k = 0; k < 9; ++k) {
          const double weight = std::exp(
              static_cast<double>(cell[k * factor * factor + y % factor * factor + x % factor]));
          total += weight;
          const std::int64_t row = y / factor + k / 3 - 1;
          const std::int64_t column = x / factor + k % 3 - 1;
          if (row < 0 || row >= s.h || column < 0 || column >= s.w) continue;
          for (int c = 0; c < 2; ++c) {
            sums[c] += weight * static_cast<double>(flow.pixel(n, row, column)[c]);
          }
        }
        for (const double sum : sums) result.push_back(static_cast<double>(factor) * sum / total);
      }
    }
  }
  return result;
}

}  // namespace hewn
