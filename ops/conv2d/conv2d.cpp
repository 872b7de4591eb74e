#include "hewn/ops/conv2d/conv2d.h"

#include "hewn/ops/activation/addends.h"
#include "hewn/ops/conv2d/call.h"
#include "hewn/ops/conv2d/work.h"
#include "hewn/runtime/error.h"
#include "hewn/runtime/operands.h"
#include "hewn/runtime/parallel.h"

#include <algorithm>

namespace hewn {

void check_conv2d(const PackedConv2d& conv, const Nhwc& got, const Nhwc& expected,
                  const Context& ctx) {
  require(got == expected, "conv2d ", conv.name(), ": expected an output of ", expected, ", got ",
          got);
  require(!ctx.precise() || conv.panels() != nullptr, "conv2d ", conv.name(),
          ": its weights are packed for contexts that are not precise");
}

void conv2d(ConstView x, const Addends& addends, const PackedConv2d& conv, View y, Context& ctx) {
  const Nhwc expected = conv.output_shape(x.shape);
  check_conv2d(conv, y.shape, expected, ctx);
  check_addends(addends, expected, "conv2d ", conv.name());
  check_operands("conv2d", conv.name(),
                 {{"x", x},
                  addend_operand("before", addends.before, Overlap::in_place),
                  addend_operand("after", addends.after, Overlap::in_place)},
                 y);
  if (expected.count() == 0) return;
  const ProfileScope profile(ctx.profiler(), "conv2d", conv.name(),
                             conv2d_work(x.shape, conv, expected));
  conv2d_run({.x = x, .conv = conv, .y = y, .before = addends.before, .after = addends.after}, ctx);
}

void conv2d_in_place(View x, const PackedConv2d& conv, Context& ctx) {
  check_conv2d(conv, x.shape, conv.output_shape(x.shape), ctx);
  const Conv2dParams& p = conv.params();
  require(p.stride_h == 1 && p.stride_w == 1, "conv2d ", conv.name(),
          ": in place, expected a stride of 1, got ", p.stride_h, " × ", p.stride_w);
  check_operands("conv2d", conv.name(), {}, x);
  if (x.shape.count() == 0) return;
  const ProfileScope profile(ctx.profiler(), "conv2d", conv.name(),
                             conv2d_work(x.shape, conv, x.shape));
  // A band of rows is computed beside the map, and takes its place when the next one, which still
  // reads the last rows of it, has been computed too. Bands begin where tiles do, so the bits are
  // those of the whole map.
  constexpr std::int64_t kBands = 16;
  const Nhwc& s = x.shape;
  const std::int64_t tile = conv2d_tile(conv, ctx).h;
  const std::int64_t rows = round_up(std::max(divide_up(s.h, kBands), p.padding_h), tile);
  const Arena::Scope scope(ctx.arena());
  const View bands[2] = {ctx.arena().view({1, rows, s.w, s.c}),
                         ctx.arena().view({1, rows, s.w, s.c})};
  const auto band_at = [&](std::int64_t index) {
    return bands[index % 2].rows(0, std::min(rows, s.h - index * rows));
  };
  for (std::int64_t n = 0; n < s.n; ++n) {
    const std::int64_t count = divide_up(s.h, rows);
    for (std::int64_t i = 0; i <= count; ++i) {
      if (i < count) {
        conv2d_run({.x = ConstView(x.image(n)),
                    .conv = conv,
                    .y = band_at(i),
                    .padding_top = p.padding_h - i * rows},
                   ctx);
      }
      if (i == 0) continue;
      const View band = band_at(i - 1);
      parallel_for(ctx, band.shape.h, 1, [&](std::int64_t begin, std::int64_t end, int) {
        const std::int64_t first = (i - 1) * rows;
        copy(band.rows(begin, end), x.image(n).rows(first + begin, first + end));
      });
    }
  }
}

void conv2d_max_pool(ConstView x, const PackedConv2d& conv, View y, Context& ctx) {
  const Nhwc unpooled = conv.output_shape(x.shape);
  check_conv2d(conv, y.shape, pool2d_output_shape(unpooled, kHalve), ctx);
  check_operands("conv2d", conv.name(), {{"x", x}}, y);
  if (y.shape.count() == 0) return;
  const ProfileScope profile(ctx.profiler(), "conv2d", conv.name(),
                             conv2d_work(x.shape, conv, unpooled));
  conv2d_run_pooled({.x = x, .conv = conv, .y = y}, unpooled, ctx);
}

}  // namespace hewn
