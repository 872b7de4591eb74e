// A copy, at the speed of memory in plain code: there are no kernels here.
#include "hewn/ops/concat/concat.h"

#include "hewn/runtime/error.h"
#include "hewn/runtime/parallel.h"

#include <algorithm>

namespace hewn {

namespace {

/// Pixels that are worth handing to a thread.
constexpr std::int64_t kGrain = 256;

void check_shapes(std::span<const ConstView> parts, const Nhwc& y) {
  std::int64_t channels = 0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const Nhwc expected{y.n, y.h, y.w, parts[i].shape.c};
    require(parts[i].shape == expected, "concat: part ", i, ": expected ", expected, ", got ",
            parts[i].shape);
    channels = checked_add(channels, parts[i].shape.c, "concat: channels");
  }
  require(y.c == channels, "concat: expected an output of ", channels, " channels, got ", y.c);
}

}  // namespace

void concat_channels(std::span<const ConstView> parts, View y, Context& ctx) {
  check_shapes(parts, y.shape);
  if (y.shape.count() == 0) return;
  const ProfileScope profile(
      ctx.profiler(), "concat", "",
      {.flops = 0, .bytes = 2 * sizeof(float) * static_cast<double>(y.shape.count())});
  parallel_for(ctx, y.shape.pixels(), kGrain, [&](std::int64_t begin, std::int64_t end, int) {
    for (std::int64_t pixel = begin; pixel < end; ++pixel) {
      float* out = y.data + pixel * y.pixel_stride;
      for (const ConstView& part : parts) {
        const float* in = part.data + pixel * part.pixel_stride;
        if (in != out) std::copy_n(in, part.shape.c, out);
        out += part.shape.c;
      }
    }
  });
}

}  // namespace hewn
