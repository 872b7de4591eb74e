#include "hewn/ops/correlation/correlation.h"
#include "hewn/ops/correlation/kernels.h"
#include "hewn/ops/correlation/lookup_place.h"
#include "hewn/runtime/error.h"
#include "hewn/runtime/isa/kernels.h"
#include "hewn/runtime/operands.h"
#include "hewn/runtime/parallel.h"

#include <algorithm>

namespace hewn {

namespace {

/// Products around a place, [columns][rows].
struct Window {
  const float* products;
  std::int64_t column_stride;
};

/// Cuts a window out of all products of a pixel with a level; what lies outside of the level is
/// zero.
class AllPairs {
 public:
  static constexpr std::int64_t kPixelsAhead = 4;

  AllPairs(View products, std::int64_t side) : products_(products), side_(side) {}

  Window window(std::int64_t pixel, const LookupPlace& place) {
    const Nhwc& s = products_.shape;
    const Inside columns(place.x, side_, s.h);
    const Inside rows(place.y, side_, s.w);
    if (columns.end - columns.begin == side_ && rows.end - rows.begin == side_) {
      return {products_.pixel(pixel, place.x, place.y), s.w};
    }
    std::fill_n(buffer_, side_ * side_, 0.0F);
    for (std::int64_t x = columns.begin; x < columns.end; ++x) {
      std::copy_n(products_.pixel(pixel, place.x + x, place.y + rows.begin), rows.end - rows.begin,
                  buffer_ + x * side_ + rows.begin);
    }
    return {buffer_, side_};
  }

  /// The columns of a window are far apart, and nobody could foresee them.
  void prefetch(std::int64_t pixel, const LookupPlace& place) const {
    const Nhwc& s = products_.shape;
    const Inside columns(place.x, side_, s.h);
    const Inside rows(place.y, side_, s.w);
    if (rows.begin == rows.end) return;
    for (std::int64_t x = columns.begin; x < columns.end; ++x) {
      __builtin_prefetch(products_.pixel(pixel, place.x + x, place.y + rows.begin));
      __builtin_prefetch(products_.pixel(pixel, place.x + x, place.y + rows.end - 1));
    }
  }

 private:
  View products_;  // [pixels, columns, rows, 1]
  std::int64_t side_;
  float buffer_[kMaxSide * kMaxSide];
};

/// Keeps the last window of every pixel, and computes what a new one has beyond it.
class OnDemand {
 public:
  OnDemand(ConstView features1, ConstView features2, View windows, std::int32_t* corners,
           const CorrelationKernels& kernels)
      : features1_(features1),
        features2_(features2),
        windows_(windows),
        corners_(corners),
        side_(windows.shape.w),
        kernels_(kernels) {}

  Window window(std::int64_t pixel, const LookupPlace& place) const {
    std::int32_t* corner = corners_ + 2 * pixel;
    float* products = windows_.pixel(pixel, 0, 0);
    if (corner[0] != place.x || corner[1] != place.y) {
      move(pixel, {.x = corner[0], .y = corner[1]}, place, products);
      corner[0] = place.x;
      corner[1] = place.y;
    }
    return {products, side_};
  }

 private:
  void move(std::int64_t pixel, const LookupPlace& from, const LookupPlace& to,
            float* products) const {
    float old[kMaxSide * kMaxSide];
    std::copy_n(products, side_ * side_, old);
    const Nhwc& s = features2_.shape;
    const Inside rows(to.y, side_, s.w);
    for (std::int64_t x = 0; x < side_; ++x) {
      float* column = products + x * side_;
      const std::int64_t map_x = to.x + x;
      std::fill_n(column, side_, 0.0F);
      if (map_x < 0 || map_x >= s.h) continue;
      // Rows [begin, end) of the column are in the old window too.
      std::int64_t begin = rows.end;
      std::int64_t end = rows.end;
      const std::int64_t old_x = map_x - from.x;
      if (!from.is_nowhere() && old_x >= 0 && old_x < side_) {
        const std::int64_t down = static_cast<std::int64_t>(to.y) - from.y;
        begin = std::clamp(-down, rows.begin, rows.end);
        end = std::clamp(side_ - down, begin, rows.end);
        const float* old_column = old + old_x * side_;
        for (std::int64_t y = begin; y < end; ++y) column[y] = old_column[y + down];
      }
      compute(pixel, map_x, to.y, rows.begin, begin, column);
      compute(pixel, map_x, to.y, end, rows.end, column);
    }
  }

  /// Rows [begin, end) of a window's column.
  void compute(std::int64_t pixel, std::int64_t map_x, std::int64_t y, std::int64_t begin,
               std::int64_t end, float* column) const {
    if (begin >= end) return;
    const std::int64_t image = pixel / (features1_.shape.h * features1_.shape.w);
    kernels_.dot({.feature = features1_.pixel(pixel),
                  .others = features2_.pixel(image, map_x, y + begin),
                  .stride = features2_.pixel_stride,
                  .count = end - begin,
                  .channels = features1_.shape.c,
                  .out = column + begin});
  }

  ConstView features1_;
  ConstView features2_;  // a level: [n, columns, rows, c]
  View windows_;         // [pixels, side, side, 1]
  std::int32_t* corners_;
  std::int64_t side_;
  const CorrelationKernels& kernels_;
};

}  // namespace

void Correlation::lookup(ConstView flow, View y, Context& ctx) {
  const Nhwc& s = features1_.shape;
  const Nhwc flow_shape{s.n, s.h, s.w, 2};
  require(flow.shape == flow_shape, "correlation lookup: expected a flow of ", flow_shape, ", got ",
          flow.shape);
  const Nhwc y_shape{s.n, s.h, s.w, channels()};
  require(y.shape == y_shape, "correlation lookup: expected an output of ", y_shape, ", got ",
          y.shape);
  check_operands("correlation lookup", "", {{"flow", flow}}, y);
  const std::int64_t side = window_side(params_.radius);
  const auto samples = static_cast<double>(y_shape.count());
  const auto products =
      static_cast<double>(s.pixels() * params_.levels) * static_cast<double>(side * side);
  // A sample is four products and their sums; what is computed on demand depends on the flow.
  const ProfileScope profile(ctx.profiler(), "correlation lookup", "",
                             {.flops = 7 * samples, .bytes = 4 * (samples + products)});
  const auto& kernels = select_kernels<CorrelationKernels>(ctx.isa());
  const std::int64_t samples_of_level = y_shape.c / params_.levels;

  const auto run = [&](std::int64_t l, std::int64_t begin, std::int64_t end, auto windows) {
    const auto place_of = [&](std::int64_t pixel) {
      const float* vector = flow.pixel(pixel);
      const auto column = static_cast<float>(pixel % s.w);
      const auto row = static_cast<float>(pixel / s.w % s.h);
      return LookupPlace::around(column + vector[0], row + vector[1], l, params_.radius);
    };
    for (std::int64_t pixel = begin; pixel < end; ++pixel) {
      if constexpr (requires { windows.prefetch(pixel, LookupPlace()); }) {
        const std::int64_t ahead = pixel + decltype(windows)::kPixelsAhead;
        if (ahead < end) windows.prefetch(ahead, place_of(ahead));
      }
      float* out = y.pixel(pixel) + l * samples_of_level;
      const LookupPlace place = place_of(pixel);
      if (place.is_nowhere()) {
        std::fill_n(out, samples_of_level, 0.0F);
        continue;
      }
      const Window window = windows.window(pixel, place);
      kernels.sample({.products = window.products,
                      .column_stride = window.column_stride,
                      .radius = params_.radius,
                      .fraction_x = place.fraction_x,
                      .fraction_y = place.fraction_y,
                      .out = out});
    }
  };
  // Level by level, so that the windows of neighbouring pixels share what is in the caches.
  parallel_for(ctx, s.pixels(), s.w, [&](std::int64_t begin, std::int64_t end, int) {
    for (std::int64_t l = 0; l < params_.levels; ++l) {
      const Level& level = levels_[static_cast<std::size_t>(l)];
      if (params_.form == CorrelationForm::all_pairs) {
        run(l, begin, end, AllPairs(level.products, side));
      } else {
        run(l, begin, end,
            OnDemand(features1_, level.features, level.products, level.corners.data(), kernels));
      }
    }
  });
}

}  // namespace hewn
