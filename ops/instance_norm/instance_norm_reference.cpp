#include "hewn/ops/instance_norm/instance_norm_reference.h"

#include "hewn/ops/activation/activation_reference.h"

#include <cmath>

namespace hewn {

std::vector<double> instance_norm_reference(ConstView x, const InstanceNormParams& params,
                                            const Addends& addends) {
  const Nhwc& s = x.shape;
  const std::int64_t pixels = s.h * s.w;
  std::vector<double> y(static_cast<std::size_t>(s.count()));
  for (std::int64_t n = 0; n < s.n; ++n) {
    for (std::int64_t c = 0; c < s.c; ++c) {
      const auto value = [&](const ConstView& view, std::int64_t p) {
        return static_cast<double>(view.image(n).pixel(p)[c]);
      };
      double mean = 0;
      for (std::int64_t p = 0; p < pixels; ++p) mean += value(x, p);
      mean /= static_cast<double>(pixels);
      double variance = 0;
      for (std::int64_t p = 0; p < pixels; ++p) variance += std::pow(value(x, p) - mean, 2);
      variance /= static_cast<double>(pixels);
      for (std::int64_t p = 0; p < pixels; ++p) {
        double normal =
            (value(x, p) - mean) / std::sqrt(variance + static_cast<double>(params.eps));
        if (addends.before) normal += value(*addends.before, p);
        double result = activate_reference(params.activation, normal);
        if (addends.after) result += value(*addends.after, p);
        y[static_cast<std::size_t>((n * pixels + p) * s.c + c)] = result;
      }
    }
  }
  return y;
}

}  // namespace hewn
