#include "hewn/ops/instance_norm/instance_norm.h"

#include "hewn/ops/activation/addends.h"
#include "hewn/ops/elementwise/blocks.h"
#include "hewn/ops/instance_norm/kernels.h"
#include "hewn/runtime/error.h"
#include "hewn/runtime/isa/kernels.h"
#include "hewn/runtime/parallel.h"

#include <algorithm>
#include <cmath>
#include <optional>

namespace hewn {

namespace {

/// Few enough pixels for short chains and for L2 to hold them between the mean and the deviations.
constexpr std::int64_t kChunk = 128;

/// Statistics of the channels of each image: {n, 1, 1, c} each.
struct Statistics {
  View mean;
  View factor;  // 1 / √(variance + eps)
};

/// The moments of all chunks of one image, put together (Chan, Golub and LeVeque, "Updating
/// Formulae and a Pairwise Algorithm for Computing Sample Variances", 1979).
void combine(ConstView means, ConstView deviations, std::int64_t pixels, float eps, float* mean,
             float* factor) {
  const std::int64_t chunks = means.shape.w;
  const auto count_in = [&](std::int64_t chunk) {
    return static_cast<double>(std::min(kChunk, pixels - chunk * kChunk));
  };
  for (std::int64_t c = 0; c < means.shape.c; ++c) {
    double sum = 0;
    for (std::int64_t i = 0; i < chunks; ++i) {
      sum += count_in(i) * static_cast<double>(means.pixel(0, 0, i)[c]);
    }
    const double center = sum / static_cast<double>(pixels);
    double squares = 0;
    for (std::int64_t i = 0; i < chunks; ++i) {
      const double distance = static_cast<double>(means.pixel(0, 0, i)[c]) - center;
      squares +=
          static_cast<double>(deviations.pixel(0, 0, i)[c]) + count_in(i) * distance * distance;
    }
    const double variance = squares / static_cast<double>(pixels);
    mean[c] = static_cast<float>(center);
    factor[c] = static_cast<float>(1 / std::sqrt(variance + static_cast<double>(eps)));
  }
}

Statistics compute_statistics(ConstView x, float eps, Context& ctx) {
  const Nhwc& s = x.shape;
  const std::int64_t pixels = s.h * s.w;
  const std::int64_t chunks = divide_up(pixels, kChunk);
  const View means = ctx.arena().view({s.n, 1, chunks, s.c});
  const View deviations = ctx.arena().view(means.shape);
  const Statistics statistics{.mean = ctx.arena().view({s.n, 1, 1, s.c}),
                              .factor = ctx.arena().view({s.n, 1, 1, s.c})};
  const auto& kernels = select_kernels<InstanceNormKernels>(ctx.isa());
  parallel_for(ctx, s.n * chunks, 1, [&](std::int64_t begin, std::int64_t end, int) {
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t first = i % chunks * kChunk;
      kernels.moments({.x = x.data + (i / chunks * pixels + first) * x.pixel_stride,
                       .pixel_stride = x.pixel_stride,
                       .pixels = std::min(kChunk, pixels - first),
                       .channels = s.c,
                       .mean = means.data + i * s.c,
                       .deviations = deviations.data + i * s.c});
    }
  });
  for (std::int64_t n = 0; n < s.n; ++n) {
    combine(means.image(n), deviations.image(n), pixels, eps, statistics.mean.pixel(n, 0, 0),
            statistics.factor.pixel(n, 0, 0));
  }
  return statistics;
}

}  // namespace

void instance_norm(ConstView x, View y, Context& ctx, const InstanceNormParams& params,
                   const Addends& addends) {
  require(y.shape == x.shape, "instance_norm: expected an output of ", x.shape, ", got ", y.shape);
  require(params.eps >= 0, "instance_norm: eps: expected at least 0, got ", params.eps);
  check_addends(addends, x.shape, "instance_norm");
  if (x.shape.count() == 0) return;
  const auto count = static_cast<double>(x.shape.count());
  // The mean, the deviations and the normalisation take 1, 3 and 2 operations an element.
  const ProfileScope profile(ctx.profiler(), "instance_norm", "",
                             {.flops = 6 * count, .bytes = 12 * count});
  const Arena::Scope scope(ctx.arena());
  const Statistics statistics = compute_statistics(x, params.eps, ctx);
  const auto& kernels = select_kernels<InstanceNormKernels>(ctx.isa());
  for (std::int64_t n = 0; n < x.shape.n; ++n) {
    const ConstView from = x.image(n);
    const View to = y.image(n);
    for_each_pixel_block(ctx, from.shape, [&](const Block& block) {
      const auto start = [&](const std::optional<ConstView>& addend) {
        return addend ? block.in(addend->image(n)) : nullptr;
      };
      kernels.normalize({.rows = {block.in(from), from.pixel_stride, block.in(to), to.pixel_stride,
                                  block.pixels, block.channels},
                         .mean = statistics.mean.pixel(n, 0, 0),
                         .factor = statistics.factor.pixel(n, 0, 0),
                         .activation = params.activation,
                         .before = start(addends.before),
                         .before_stride = addends.before ? addends.before->pixel_stride : 0,
                         .after = start(addends.after),
                         .after_stride = addends.after ? addends.after->pixel_stride : 0});
    });
  }
}

}  // namespace hewn
