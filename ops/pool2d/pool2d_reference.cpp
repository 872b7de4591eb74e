#include "hewn/ops/pool2d/pool2d_reference.h"

#include <cmath>
#include <limits>

namespace hewn {

namespace {

/// Where the windows along one axis start, by trying one after the other.
std::vector<std::int64_t> window_starts(std::int64_t side, std::int64_t kernel, std::int64_t stride,
                                        std::int64_t padding, bool ceil_mode) {
  std::vector<std::int64_t> starts;
  for (std::int64_t start = -padding;; start += stride) {
    const bool whole = start + kernel <= side + padding;
    const bool hangs_over = start < side && start - stride + kernel < side + padding;
    if (!whole && !(ceil_mode && hangs_over)) return starts;
    starts.push_back(start);
  }
}

/// Calls visit(value, inside, counted) for every tap of every window, and finish() after each.
template <typename Visit, typename Finish>
void for_each_window(ConstView x, const Pool2dParams& p, Visit visit, Finish finish) {
  const auto rows = window_starts(x.shape.h, p.kernel_h, p.stride_h, p.padding_h, p.ceil_mode);
  const auto columns = window_starts(x.shape.w, p.kernel_w, p.stride_w, p.padding_w, p.ceil_mode);
  for (std::int64_t n = 0; n < x.shape.n; ++n) {
    for (const std::int64_t y0 : rows) {
      for (const std::int64_t x0 : columns) {
        for (std::int64_t c = 0; c < x.shape.c; ++c) {
          for (std::int64_t iy = y0; iy < y0 + p.kernel_h; ++iy) {
            for (std::int64_t ix = x0; ix < x0 + p.kernel_w; ++ix) {
              const bool inside = iy >= 0 && iy < x.shape.h && ix >= 0 && ix < x.shape.w;
              const bool in_padding = iy < x.shape.h + p.padding_h && ix < x.shape.w + p.padding_w;
              const double value = inside ? static_cast<double>(x.pixel(n, iy, ix)[c]) : 0;
              visit(value, inside, inside || (p.count_include_pad && in_padding));
            }
          }
          finish();
        }
      }
    }
  }
}

}  // namespace

std::vector<double> max_pool2d_reference(ConstView x, const Pool2dParams& params) {
  std::vector<double> y;
  constexpr double kLowest = -std::numeric_limits<double>::infinity();
  double largest = kLowest;
  for_each_window(
      x, params,
      [&](double value, bool inside, bool) {
        if (inside && (std::isnan(value) || value > largest)) largest = value;
      },
      [&] {
        y.push_back(largest);
        largest = kLowest;
      });
  return y;
}

std::vector<double> avg_pool2d_reference(ConstView x, const Pool2dParams& params) {
  std::vector<double> y;
  double sum = 0;
  double count = 0;
  for_each_window(
      x, params,
      [&](double value, bool, bool counted) {
        sum += value;
        if (counted) count += 1;
      },
      [&] {
        y.push_back(sum / count);
        sum = count = 0;
      });
  return y;
}

}  // namespace hewn
