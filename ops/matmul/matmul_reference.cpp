#include "hewn/ops/matmul/matmul_reference.h"

namespace hewn {

std::vector<double> matmul_reference(ConstView a, ConstView b, const MatmulParams& params) {
  const Nhwc shape = matmul_shape(a.shape, b.shape, params);
  std::vector<double> y;
  for (std::int64_t i = 0; i < shape.n; ++i) {
    const std::int64_t a_i = a.shape.n == 1 ? 0 : i;
    const std::int64_t b_i = b.shape.n == 1 ? 0 : i;
    for (std::int64_t row = 0; row < shape.w; ++row) {
      for (std::int64_t column = 0; column < shape.c; ++column) {
        double sum = 0;
        for (std::int64_t k = 0; k < a.shape.c; ++k) {
          const float right =
              params.transpose_b ? b.pixel(b_i, 0, column)[k] : b.pixel(b_i, 0, k)[column];
          sum += static_cast<double>(a.pixel(a_i, 0, row)[k]) * static_cast<double>(right);
        }
        y.push_back(sum);
      }
    }
  }
  return y;
}

}  // namespace hewn
