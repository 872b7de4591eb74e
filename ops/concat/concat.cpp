// A copy, at the speed of memory in plain code: there are no kernels here.
#include "hewn/ops/concat/concat.h"

#include "hewn/runtime/error.h"
#include "hewn/runtime/operands.h"
#include "hewn/runtime/parallel.h"

#include <algorithm>

namespace hewn {

namespace {

/// Pixels that are worth handing to a thread.
constexpr std::int64_t kGrain = 256;

void check(std::span<const ConstView> parts, View y) {
  std::int64_t channels = 0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const Nhwc expected{y.shape.n, y.shape.h, y.shape.w, parts[i].shape.c};
    require(parts[i].shape == expected, "concat: part ", i, ": expected ", expected, ", got ",
            parts[i].shape);
    channels = checked_add(channels, parts[i].shape.c, "concat: channels");
  }
  require(y.shape.c == channels, "concat: expected an output of ", channels, " channels, got ",
          y.shape.c);
  check_operands("concat", "", {}, y);
  std::int64_t first = 0;
  for (const ConstView& part : parts) {
    const std::int64_t next = first + part.shape.c;
    check_operands("concat", "", {{"a part", part, Overlap::in_place}}, y.channels(first, next));
    check_operands("concat", "", {{"a part", part}}, y.channels(0, first));
    check_operands("concat", "", {{"a part", part}}, y.channels(next, channels));
    first = next;
  }
}

}  // namespace

void concat_channels(std::span<const ConstView> parts, View y, Context& ctx) {
  check(parts, y);
  if (y.shape.count() == 0) return;
  const ProfileScope profile(
      ctx.profiler(), "concat", "",
      {.flops = 0, .bytes = 2 * sizeof(float) * static_cast<double>(y.shape.count())});
  std::int64_t run = pixels_of_run(y);
  for (const ConstView& part : parts) run = std::min(run, pixels_of_run(part));
  parallel_for(ctx, y.shape.pixels(), kGrain, [&](std::int64_t begin, std::int64_t end, int) {
    for_each_run(begin, end, run, [&](std::int64_t first, std::int64_t count) {
      float* out = y.pixel(first);
      for (const ConstView& part : parts) {
        const float* in = part.pixel(first);
        for (std::int64_t i = 0; in != out && i < count; ++i) {
          std::copy_n(in + i * part.pixel_stride, part.shape.c, out + i * y.pixel_stride);
        }
        out += part.shape.c;
      }
    });
  });
}

}  // namespace hewn
