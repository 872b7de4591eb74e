#include "hewn/ops/correlation/correlation.h"

#include "hewn/ops/correlation/lookup_place.h"
#include "hewn/ops/matmul/matmul.h"
#include "hewn/ops/pool2d/pool2d.h"
#include "hewn/runtime/error.h"
#include "hewn/runtime/operands.h"
#include "hewn/runtime/parallel.h"

#include <algorithm>
#include <cmath>
#include <optional>

namespace hewn {

namespace {

void check(const Nhwc& features, const CorrelationParams& p) {
  require(p.levels >= 1 && p.levels <= Correlation::kMaxLevels,
          "correlation: levels: expected 1 to ", Correlation::kMaxLevels, ", got ", p.levels);
  require(p.radius >= 0 && p.radius <= kMaxRadius, "correlation: radius: expected 0 to ",
          kMaxRadius, ", got ", p.radius);
  const std::int64_t least = std::int64_t{1} << (p.levels - 1);
  require(features.h >= least && features.w >= least && features.c >= 1,
          "correlation: expected features of at least ", least, " × ", least,
          " pixels and 1 channel, got ", features);
}

/// y(n, j, i) = x(n, i, j) · factor.
void transpose(ConstView x, float factor, View y, Context& ctx) {
  const Nhwc& s = x.shape;
  const auto count = static_cast<double>(s.count());
  const ProfileScope profile(ctx.profiler(), "correlation", "",
                             {.flops = count, .bytes = 8 * count});
  parallel_for(ctx, s.n * s.w, 1, [&](std::int64_t begin, std::int64_t end, int) {
    for (std::int64_t i = begin; i < end; ++i) {
      for (std::int64_t row = 0; row < s.h; ++row) {
        const float* from = x.pixel(i / s.w, row, i % s.w);
        float* to = y.pixel(i / s.w, i % s.w, row);
        for (std::int64_t c = 0; c < s.c; ++c) to[c] = from[c] * factor;
      }
    }
  });
}

/// features1 · features2 for all pairs of pixels of each image.
void multiply_pairs(ConstView features1, ConstView features2, View products, Context& ctx) {
  const auto pixels = [](const ConstView& map) { return map.shape.h * map.shape.w; };
  for (std::int64_t n = 0; n < features1.shape.n; ++n) {
    const ConstView a = features1.image(n);
    const ConstView b = features2.image(n);
    const std::int64_t rows = pixels(a);
    const std::int64_t columns = pixels(b);
    const View of_image{products.pixel(n * rows, 0, 0), {1, 1, rows, columns}};
    for_each_run(0, rows, pixels_of_run(a), [&](std::int64_t first, std::int64_t count) {
      matmul(a.run(first, count), b.run(0, columns), {.transpose_b = true},
             of_image.run(first, count), ctx);
    });
  }
}

}  // namespace

Correlation::Correlation(ConstView features1, ConstView features2, const CorrelationParams& params,
                         Context& ctx)
    : features1_(features1), params_(params) {
  const Nhwc& s = features1.shape;
  check(s, params);
  require(features2.shape == s, "correlation: expected second features of ", s, ", got ",
          features2.shape);
  check_operands("correlation", "", {{"features1", features1}, {"features2", features2}}, {});
  const bool all_pairs = params.form == CorrelationForm::all_pairs;
  const std::int64_t side = window_side(params.radius);
  Arena& arena = ctx.arena();
  const auto map_at = [&](std::int64_t l) { return Nhwc{s.n, s.w >> l, s.h >> l, s.c}; };
  for (std::int64_t l = 0; l < params.levels; ++l) {
    Level& level = levels_[static_cast<std::size_t>(l)];
    if (all_pairs) {
      level.products = arena.view({s.pixels(), map_at(l).h, map_at(l).w, 1});
    } else {
      level.products = arena.view({s.pixels(), side, side, 1});
      level.corners = arena.allocate<std::int32_t>(2 * s.pixels());
      std::ranges::fill(level.corners, LookupPlace::kNowhere);
    }
  }
  std::optional<Arena::Scope> only_here;  // all pairs need no features afterwards
  if (all_pairs) only_here.emplace(arena);
  for (std::int64_t l = 0; l < params.levels; ++l) {
    Level& level = levels_[static_cast<std::size_t>(l)];
    level.features = arena.view(map_at(l));
    if (l == 0) {
      transpose(features2, 1 / std::sqrt(static_cast<float>(s.c)), level.features, ctx);
    } else {
      avg_pool2d(levels_[static_cast<std::size_t>(l - 1)].features, kHalve, level.features, ctx);
    }
    if (all_pairs) multiply_pairs(features1, level.features, level.products, ctx);
  }
}

std::int64_t Correlation::channels() const {
  const std::int64_t side = 2 * params_.radius + 1;
  return params_.levels * side * side;
}

std::int64_t Correlation::bytes(const Nhwc& features, const CorrelationParams& params) {
  check(features, params);
  std::int64_t floats = 0;
  for (std::int64_t l = 0; l < params.levels; ++l) {
    const Nhwc map{features.n, features.w >> l, features.h >> l, features.c};
    const std::int64_t side = window_side(params.radius);
    const bool all_pairs = params.form == CorrelationForm::all_pairs;
    const std::int64_t products = all_pairs ? checked_multiply(map.h, map.w) : side * side + 2;
    floats = checked_add(floats, checked_multiply(features.pixels(), products));
    if (!all_pairs) floats = checked_add(floats, map.count());
  }
  return checked_multiply(floats, sizeof(float));
}

}  // namespace hewn
