#include "hewn/ops/depth_to_space/depth_to_space_reference.h"

namespace hewn {

std::vector<double> depth_to_space_reference(ConstView x, std::int64_t block) {
  const std::int64_t out_channels = x.shape.c / (block * block);
  std::vector<double> y(static_cast<std::size_t>(x.shape.count()));
  // A channel of x is (k, dy, dx), row-major.
  for (std::int64_t n = 0; n < x.shape.n; ++n) {
    for (std::int64_t h = 0; h < x.shape.h; ++h) {
      for (std::int64_t w = 0; w < x.shape.w; ++w) {
        std::int64_t channel = 0;
        for (std::int64_t k = 0; k < out_channels; ++k) {
          for (std::int64_t dy = 0; dy < block; ++dy) {
            for (std::int64_t dx = 0; dx < block; ++dx) {
              const std::int64_t row = n * x.shape.h * block + h * block + dy;
              const std::int64_t pixel = row * x.shape.w * block + w * block + dx;
              y[static_cast<std::size_t>(pixel * out_channels + k)] =
                  static_cast<double>(x.pixel(n, h, w)[channel++]);
            }
          }
        }
      }
    }
  }
  return y;
}

}  // namespace hewn
