#include "hewn/ops/conv_transpose2d/conv_transpose2d_reference.h"

#include "hewn/ops/activation/activation_reference.h"

namespace hewn {

std::vector<double> conv_transpose2d_reference(ConstView x, const ConvTranspose2dParams& p,
                                               const Conv2dWeights& weights, const Nhwc& shape) {
  const std::int64_t group_in = weights.shape[0] / p.groups;
  const std::int64_t group_out = weights.shape[1];
  const std::int64_t kernel_h = weights.shape[2];
  const std::int64_t kernel_w = weights.shape[3];
  std::vector<double> y(static_cast<std::size_t>(shape.count()));
  const auto at = [&](std::int64_t n, std::int64_t oy, std::int64_t ox, std::int64_t c) -> double& {
    return y[static_cast<std::size_t>(((n * shape.h + oy) * shape.w + ox) * shape.c + c)];
  };
  for (std::int64_t n = 0; n < x.shape.n; ++n) {
    for (std::int64_t iy = 0; iy < x.shape.h; ++iy) {
      for (std::int64_t ix = 0; ix < x.shape.w; ++ix) {
        for (std::int64_t in = 0; in < x.shape.c; ++in) {
          const auto value = static_cast<double>(x.pixel(n, iy, ix)[in]);
          for (std::int64_t out = 0; out < group_out; ++out) {
            for (std::int64_t ky = 0; ky < kernel_h; ++ky) {
              for (std::int64_t kx = 0; kx < kernel_w; ++kx) {
                const std::int64_t oy = iy * p.stride_h - p.padding_h + ky * p.dilation_h;
                const std::int64_t ox = ix * p.stride_w - p.padding_w + kx * p.dilation_w;
                if (oy < 0 || oy >= shape.h || ox < 0 || ox >= shape.w) continue;
                const std::int64_t index = ((in * group_out + out) * kernel_h + ky) * kernel_w + kx;
                at(n, oy, ox, in / group_in * group_out + out) +=
                    value * static_cast<double>(weights.weight[static_cast<std::size_t>(index)]);
              }
            }
          }
        }
      }
    }
  }
  for (std::size_t i = 0; i < y.size(); ++i) {
    const std::size_t channel = i % static_cast<std::size_t>(shape.c);
    const double bias = weights.bias.empty() ? 0 : static_cast<double>(weights.bias[channel]);
    y[i] = activate_reference(p.activation, y[i] + bias);
    if (weights.scale.empty()) continue;
    y[i] = y[i] * static_cast<double>(weights.scale[channel]) +
           static_cast<double>(weights.shift[channel]);
  }
  return y;
}

}  // namespace hewn
