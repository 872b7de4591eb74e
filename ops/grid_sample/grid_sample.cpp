// A row of the grid is first turned into taps, pixels and their weights, and the kernels then sum
// these up. The two axes are independent: a tap of the sample is a pair of a row tap and a column
// tap, and its weight their weights' product.
#include "hewn/ops/grid_sample/grid_sample.h"

#include "hewn/ops/sampling/cubic.h"
#include "hewn/ops/sampling/sampling.h"
#include "hewn/runtime/error.h"
#include "hewn/runtime/isa/kernels.h"
#include "hewn/runtime/operands.h"
#include "hewn/runtime/parallel.h"

#include <algorithm>
#include <cmath>
#include <span>

namespace hewn {

namespace {

using Mode = GridSampleParams::Mode;
using Padding = GridSampleParams::Padding;

constexpr int axis_taps(Mode mode) {
  switch (mode) {
    case Mode::nearest:
      return 1;
    case Mode::bilinear:
      return 2;
    case Mode::bicubic:
      return kMaxAxisTaps;
  }
  return 0;
}

/// One axis of the picture. Positions are in pixels, 0 at the centre of the first one.
class Axis {
 public:
  Axis(std::int64_t size, const GridSampleParams& params)
      : size_(size),
        last_(static_cast<float>(size - 1)),
        scale_(static_cast<float>(params.align_corners ? size - 1 : size) / 2),
        origin_(params.align_corners ? 0.0F : -0.5F),
        padding_(params.padding) {}

  /// The pixels (or kOutside) and weights for a value of the grid.
  template <Mode mode>
  void taps(float grid, std::int64_t* indices, float* weights) const {
    const float position = (grid + 1) * scale_ + origin_;
    if constexpr (mode == Mode::nearest) {
      indices[0] = index_at(std::nearbyint(pad(position)));
      weights[0] = 1;
    } else if constexpr (mode == Mode::bilinear) {
      const float padded = pad(position);
      const float floor = std::floor(padded);
      indices[0] = index_at(floor);
      indices[1] = index_at(floor + 1);
      weights[1] = padded - floor;
      weights[0] = 1 - weights[1];
    } else {
      const float floor = std::floor(position);
      for (int tap = 0; tap < kMaxAxisTaps; ++tap) {
        indices[tap] = index_at(pad(floor + static_cast<float>(tap - 1)));
      }
      cubic_weights(position - floor, weights);
    }
  }

 private:
  /// Where a position outside of the picture leads to. NaN becomes 0 except with zeros.
  float pad(float position) const {
    switch (padding_) {
      case Padding::zeros:
        break;
      case Padding::border:
        return clip(position);
      case Padding::reflection:
        return clip(reflect(position));
    }
    return position;
  }

  float clip(float position) const { return position > 0 ? std::min(position, last_) : 0; }

  float reflect(float position) const {
    const float period = 4 * scale_;  // there and back
    if (period == 0) return 0;
    const float distance = std::abs(position - origin_);
    const float within = distance - std::trunc(distance / period) * period;
    return std::min(within, period - within) + origin_;
  }

  /// The pixel at a whole position; NaN and numbers beyond any integer are outside too.
  std::int64_t index_at(float whole) const {
    if (!(whole >= 0 && whole <= last_)) return kOutside;
    // Beyond 2²⁴ the last pixel's number may have been rounded up.
    return std::min(static_cast<std::int64_t>(whole), size_ - 1);
  }

  std::int64_t size_;
  float last_;
  float scale_;   // pixels to a unit of the grid
  float origin_;  // where the grid has −1
  Padding padding_;
};

class GridSample {
 public:
  GridSample(ConstView x, ConstView grid, const GridSampleParams& params, View y, Context& ctx)
      : x_(x),
        grid_(grid),
        y_(y),
        mode_(params.mode),
        kernels_(select_kernels<SamplingKernels>(ctx.isa())),
        rows_(x.shape.h, params),
        columns_(x.shape.w, params),
        taps_(axis_taps(params.mode) * axis_taps(params.mode)),
        taps_per_row_(checked_multiply(taps_, y.shape.w, "grid_sample: taps")) {
    const std::int64_t size = checked_multiply(ctx.threads(), taps_per_row_, "grid_sample: taps");
    offsets_ = ctx.arena().allocate<std::int64_t>(size).data();
    weights_ = ctx.arena().allocate<float>(size).data();
  }

  void run(Context& ctx) const {
    const std::int64_t rows = y_.shape.n * y_.shape.h;
    parallel_for(ctx, rows, 1, [this](std::int64_t begin, std::int64_t end, int worker) {
      for (std::int64_t row = begin; row < end; ++row) {
        run_row(row / y_.shape.h, row % y_.shape.h, worker);
      }
    });
  }

 private:
  void run_row(std::int64_t image, std::int64_t oy, int worker) const {
    std::int64_t* offsets = offsets_ + worker * taps_per_row_;
    float* weights = weights_ + worker * taps_per_row_;
    switch (mode_) {
      case Mode::nearest:
        plan_row<Mode::nearest>(image, oy, offsets, weights);
        break;
      case Mode::bilinear:
        plan_row<Mode::bilinear>(image, oy, offsets, weights);
        break;
      case Mode::bicubic:
        plan_row<Mode::bicubic>(image, oy, offsets, weights);
        break;
    }
    kernels_.sample({
        .in = x_.pixel(image, 0, 0),
        .offsets = offsets,
        .weights = weights,
        .taps = taps_,
        .count = y_.shape.w,
        .out = y_.pixel(image, oy, 0),
        .out_stride = y_.pixel_stride,
        .channels = y_.shape.c,
    });
  }

  template <Mode mode>
  void plan_row(std::int64_t image, std::int64_t oy, std::int64_t* offsets, float* weights) const {
    constexpr int kAxis = axis_taps(mode);
    for (std::int64_t ox = 0; ox < y_.shape.w; ++ox) {
      const float* at = grid_.pixel(image, oy, ox);
      std::int64_t column_index[kAxis];
      std::int64_t row_index[kAxis];
      float column_weight[kAxis];
      float row_weight[kAxis];
      columns_.taps<mode>(at[0], column_index, column_weight);
      rows_.taps<mode>(at[1], row_index, row_weight);
      for (int i = 0; i < kAxis; ++i) {
        for (int j = 0; j < kAxis; ++j) {
          const bool inside = row_index[i] != kOutside && column_index[j] != kOutside;
          const std::int64_t tap = (i * kAxis + j) * y_.shape.w + ox;
          offsets[tap] =
              inside ? row_index[i] * x_.row_stride + column_index[j] * x_.pixel_stride : kOutside;
          weights[tap] = row_weight[i] * column_weight[j];
        }
      }
    }
  }

  ConstView x_;
  ConstView grid_;
  View y_;
  Mode mode_;
  const SamplingKernels& kernels_;
  Axis rows_;
  Axis columns_;
  int taps_;
  std::int64_t taps_per_row_;
  std::int64_t* offsets_ = nullptr;
  float* weights_ = nullptr;
};

void check_shapes(const Nhwc& x, const Nhwc& grid, const Nhwc& y) {
  require(x.h >= 1 && x.w >= 1, "grid_sample: expected a picture of at least one pixel, got ", x);
  require(grid.n == x.n && grid.c == 2, "grid_sample: expected a grid of n ", x.n, ", c 2, got ",
          grid);
  const Nhwc expected{x.n, grid.h, grid.w, x.c};
  require(y == expected, "grid_sample: expected an output of ", expected, ", got ", y);
}

}  // namespace

void grid_sample(ConstView x, ConstView grid, const GridSampleParams& params, View y,
                 Context& ctx) {
  check_shapes(x.shape, grid.shape, y.shape);
  check_operands("grid_sample", "", {{"x", x}, {"grid", grid}}, y);
  if (y.shape.count() == 0) return;
  const int taps = axis_taps(params.mode) * axis_taps(params.mode);
  require(taps > 0, "grid_sample: expected bilinear, nearest or bicubic, got mode ",
          static_cast<int>(params.mode));
  const auto outputs = static_cast<double>(y.shape.count());
  const auto inputs = static_cast<double>(x.shape.count() + grid.shape.count());
  const ProfileScope profile(ctx.profiler(), "grid_sample", "",
                             {.flops = 2 * taps * outputs, .bytes = 4 * (inputs + outputs)});
  const Arena::Scope scope(ctx.arena());
  GridSample(x, grid, params, y, ctx).run(ctx);
}

}  // namespace hewn
