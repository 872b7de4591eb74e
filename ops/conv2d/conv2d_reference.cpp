#include "hewn/ops/conv2d/conv2d_reference.h"

#include "hewn/ops/activation/activation_reference.h"

namespace hewn {

std::vector<double> conv2d_reference(ConstView x, const Conv2dParams& params,
                                     const Conv2dWeights& weights, const Nhwc& shape,
                                     const Addends& addends) {
  const std::int64_t depth = weights.shape[1];
  const std::int64_t kernel_h = weights.shape[2];
  const std::int64_t kernel_w = weights.shape[3];
  const std::int64_t group_out = shape.c / params.groups;
  const auto weight = [&](std::int64_t out, std::int64_t k, std::int64_t ky, std::int64_t kx) {
    return static_cast<double>(
        weights
            .weight[static_cast<std::size_t>(((out * depth + k) * kernel_h + ky) * kernel_w + kx)]);
  };

  std::vector<double> y;
  for (std::int64_t n = 0; n < shape.n; ++n) {
    for (std::int64_t oy = 0; oy < shape.h; ++oy) {
      for (std::int64_t ox = 0; ox < shape.w; ++ox) {
        for (std::int64_t out = 0; out < shape.c; ++out) {
          const auto channel = static_cast<std::size_t>(out);
          double sum = weights.bias.empty() ? 0 : static_cast<double>(weights.bias[channel]);
          for (std::int64_t ky = 0; ky < kernel_h; ++ky) {
            for (std::int64_t kx = 0; kx < kernel_w; ++kx) {
              const std::int64_t iy =
                  oy * params.stride_h - params.padding_h + ky * params.dilation_h;
              const std::int64_t ix =
                  ox * params.stride_w - params.padding_w + kx * params.dilation_w;
              if (iy < 0 || iy >= x.shape.h || ix < 0 || ix >= x.shape.w) continue;
              const float* in = x.pixel(n, iy, ix) + out / group_out * depth;
              for (std::int64_t k = 0; k < depth; ++k) {
                sum += static_cast<double>(in[k]) * weight(out, k, ky, kx);
              }
            }
          }
          if (addends.before) sum += static_cast<double>(addends.before->pixel(n, oy, ox)[out]);
          double value = activate_reference(params.activation, sum);
          if (!weights.scale.empty()) {
            value = value * static_cast<double>(weights.scale[channel]) +
                    static_cast<double>(weights.shift[channel]);
          }
          if (addends.after) value += static_cast<double>(addends.after->pixel(n, oy, ox)[out]);
          y.push_back(value);
        }
      }
    }
  }
  return y;
}

}  // namespace hewn
