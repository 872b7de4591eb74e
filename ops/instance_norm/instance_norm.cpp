#include "hewn/ops/instance_norm/instance_norm.h"

#include "hewn/ops/activation/addends.h"
#include "hewn/ops/elementwise/blocks.h"
#include "hewn/ops/instance_norm/kernels.h"
#include "hewn/runtime/error.h"
#include "hewn/runtime/isa/kernels.h"
#include "hewn/runtime/operands.h"
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

/// The pixels of the image from the first on, as many as `to` has, side by side.
View gather(ConstView image, std::int64_t first, View to) {
  for_each_run(first, first + to.shape.w, image.shape.w, [&](std::int64_t at, std::int64_t count) {
    copy(image.run(at, count), to.run(at - first, count));
  });
  return to;
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
  // Chunks do not end where rows do: where there are gaps, they are copied together first.
  const bool gaps = !x.image(0).gapless();
  const View copies = ctx.arena().view({gaps ? ctx.threads() : 0, 1, kChunk, s.c});
  parallel_for(ctx, s.n * chunks, 1, [&](std::int64_t begin, std::int64_t end, int worker) {
    for (std::int64_t i = begin; i < end; ++i) {
      const ConstView image = x.image(i / chunks);
      const std::int64_t first = i % chunks * kChunk;
      const std::int64_t count = std::min(kChunk, pixels - first);
      const ConstView chunk = gaps ? gather(image, first, copies.image(worker).columns(0, count))
                                   : image.run(first, count);
      kernels.moments({.x = chunk.data,
                       .pixel_stride = chunk.pixel_stride,
                       .pixels = count,
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

void instance_norm(ConstView x, const Addends& addends, const InstanceNormParams& params, View y,
                   Context& ctx) {
  require(y.shape == x.shape, "instance_norm: expected an output of ", x.shape, ", got ", y.shape);
  require(params.eps >= 0, "instance_norm: eps: expected at least 0, got ", params.eps);
  check_addends(addends, x.shape, "instance_norm");
  check_operands("instance_norm", "",
                 {{"x", x, Overlap::in_place},
                  addend_operand("before", addends.before, Overlap::in_place),
                  addend_operand("after", addends.after, Overlap::in_place)},
                 y);
  if (x.shape.count() == 0) return;
  const auto count = static_cast<double>(x.shape.count());
  // The mean, the deviations and the normalisation take 1, 3 and 2 operations an element.
  const ProfileScope profile(ctx.profiler(), "instance_norm", "",
                             {.flops = 6 * count, .bytes = 12 * count});
  const Arena::Scope scope(ctx.arena());
  const Statistics statistics = compute_statistics(x, params.eps, ctx);
  const auto& kernels = select_kernels<InstanceNormKernels>(ctx.isa());
  const auto of_image = [](const std::optional<ConstView>& addend, std::int64_t n) {
    return addend ? addend->image(n) : std::optional<ConstView>();
  };
  for (std::int64_t n = 0; n < x.shape.n; ++n) {
    const ConstView from = x.image(n);
    const View to = y.image(n);
    const Addends added{of_image(addends.before, n), of_image(addends.after, n)};
    for_each_pixel_block(ctx, from.shape, pixels_of_run(added, from, to), [&](const Block& block) {
      kernels.normalize({.run = block.of(from, to),
                         .mean = statistics.mean.pixel(n, 0, 0),
                         .factor = statistics.factor.pixel(n, 0, 0),
                         .activation = params.activation,
                         .before = added.before ? block.in(*added.before) : nullptr,
                         .before_stride = added.before ? added.before->pixel_stride : 0,
                         .after = added.after ? block.in(*added.after) : nullptr,
                         .after_stride = added.after ? added.after->pixel_stride : 0});
    });
  }
}

}  // namespace hewn
