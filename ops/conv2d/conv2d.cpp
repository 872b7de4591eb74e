#include "hewn/ops/conv2d/conv2d.h"

#include "hewn/ops/conv2d/call.h"
#include "hewn/ops/conv2d/direct.h"
#include "hewn/ops/conv2d/winograd.h"
#include "hewn/ops/pool2d/pool2d.h"
#include "hewn/runtime/error.h"

#include <algorithm>

namespace hewn {

namespace {

constexpr Pool2dParams kHalve{.kernel_h = 2, .kernel_w = 2, .stride_h = 2, .stride_w = 2};

Work count_work(const Nhwc& x, const PackedConv2d& conv, const Nhwc& y) {
  const auto taps = static_cast<double>(conv.kernel_h() * conv.kernel_w() * conv.in_channels() /
                                        conv.params().groups);
  const double macs = static_cast<double>(y.count()) * taps;
  const double weights = taps * static_cast<double>(conv.out_channels());
  return {2 * macs, 4 * (static_cast<double>(x.count() + y.count()) + weights)};
}

bool runs_winograd(const PackedConv2d& conv, const Context& ctx) {
  return conv.winograd() != nullptr && !ctx.precise();
}

void run(const Conv2dCall& call, Context& ctx) {
  if (runs_winograd(call.conv, ctx)) {
    conv2d_winograd(call, ctx);
  } else {
    conv2d_direct(call, ctx);
  }
}

/// Runs a call whose y is the pooled result.
void run_pooled(Conv2dCall call, const Nhwc& unpooled, Context& ctx) {
  const Conv2dParams& p = call.conv.params();
  call.max_pool = runs_winograd(call.conv, ctx) && p.dilation_h == 1 && p.dilation_w == 1;
  if (call.max_pool) return run(call, ctx);
  const Arena::Scope scope(ctx.arena());
  const View pooled = call.y;
  call.y = ctx.arena().view(unpooled);
  run(call, ctx);
  max_pool2d(call.y, kHalve, pooled, ctx);
}

void require_output(const PackedConv2d& conv, const Nhwc& got, const Nhwc& expected) {
  require(got == expected, "conv2d ", conv.name(), ": expected an output of ", expected, ", got ",
          got);
}

bool keeps_size(const PackedConv2d& conv, const Nhwc& x) {
  const Nhwc y = conv.output_shape({x.n, x.h, x.w, conv.in_channels()});
  return conv.params().stride_h == 1 && y.h == x.h && y.w == x.w;
}

std::int64_t round_up(std::int64_t value, std::int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

/// Rows of a stripe: about as many pixels for every width, so that they stay near the caches and
/// suffice for several threads.
std::int64_t stripe_rows(std::int64_t width) {
  constexpr std::int64_t kPixels = 24 << 10;
  constexpr std::int64_t kLeast = 16;
  return std::max(kPixels / width, kLeast);
}

}  // namespace

void conv2d(ConstView x, const PackedConv2d& conv, View y, Context& ctx,
            std::optional<ConstView> residual) {
  const Nhwc expected = conv.output_shape(x.shape);
  require_output(conv, y.shape, expected);
  require(!residual || residual->shape == expected, "conv2d ", conv.name(),
          ": expected a residual of ", expected, ", got ", residual ? residual->shape : Nhwc{});
  if (expected.count() == 0) return;
  const ProfileScope profile(ctx.profiler(), "conv2d", conv.name(),
                             count_work(x.shape, conv, expected));
  run({.x = x, .conv = conv, .y = y, .residual = residual}, ctx);
}

void conv2d_max_pool(ConstView x, const PackedConv2d& conv, View y, Context& ctx) {
  const Nhwc unpooled = conv.output_shape(x.shape);
  require_output(conv, y.shape, pool2d_output_shape(unpooled, kHalve));
  if (y.shape.count() == 0) return;
  const ProfileScope profile(ctx.profiler(), "conv2d", conv.name(),
                             count_work(x.shape, conv, unpooled));
  run_pooled({.x = x, .conv = conv, .y = y}, unpooled, ctx);
}

void conv2d_pair_max_pool(ConstView x, const PackedConv2d& first, const PackedConv2d& second,
                          View y, Context& ctx) {
  const Nhwc between = first.output_shape(x.shape);
  const Nhwc unpooled = second.output_shape(between);
  require_output(second, y.shape, pool2d_output_shape(unpooled, kHalve));
  require(x.shape.n == 1 && keeps_size(first, x.shape) && keeps_size(second, x.shape), "conv2d ",
          first.name(), " and ", second.name(),
          ": expected one picture and convolutions that keep its size, got ", x.shape, " → ",
          between, " → ", unpooled);
  if (y.shape.count() == 0) return;

  // The second convolution lags behind the first by the rows that it sees below, rounded up to a
  // tile; the rows that it sees above are kept from one stripe to the next. So no row is computed
  // twice, and tiles lie where they would on the whole map.
  const Conv2dParams& p = second.params();
  const std::int64_t tile = kWinogradRows * first.params().dilation_h * p.dilation_h;
  const std::int64_t above = p.padding_h;
  const std::int64_t below = (second.kernel_h() - 1) * p.dilation_h - p.padding_h;
  const std::int64_t lag = round_up(below, tile);
  const std::int64_t height = x.shape.h;
  const std::int64_t stripe = std::max(round_up(stripe_rows(x.shape.w), tile), lag + tile);
  const Arena::Scope scope(ctx.arena());
  const std::int64_t kept = above + lag;
  const View buffer = ctx.arena().view({1, std::min(stripe + kept, height), x.shape.w, between.c});
  const std::int64_t row_size = buffer.shape.w * buffer.shape.c;

  std::int64_t buffer_begin = 0;  // the map's row that the buffer's first row is
  std::int64_t done = 0;          // rows of the second convolution
  for (std::int64_t begin = 0; begin < height; begin += stripe) {
    const std::int64_t end = std::min(begin + stripe, height);
    const std::int64_t keep_from = std::max<std::int64_t>(begin - kept, 0);
    std::copy(buffer.data + (keep_from - buffer_begin) * row_size,
              buffer.data + (begin - buffer_begin) * row_size, buffer.data);
    buffer_begin = keep_from;
    const Nhwc rows{1, end - begin, buffer.shape.w, between.c};
    {
      const ProfileScope profile(ctx.profiler(), "conv2d", first.name(),
                                 count_work({1, rows.h, x.shape.w, x.shape.c}, first, rows));
      run({.x = x,
           .conv = first,
           .y = {buffer.data + (begin - buffer_begin) * row_size, rows},
           .padding_top = first.params().padding_h - begin},
          ctx);
    }
    const std::int64_t until = end == height ? height : end - lag;
    const Nhwc pooled{1, until / 2 - done / 2, y.shape.w, y.shape.c};
    if (pooled.h > 0) {
      const Nhwc computed{1, until - done, unpooled.w, unpooled.c};
      const ProfileScope profile(ctx.profiler(), "conv2d", second.name(),
                                 count_work(rows, second, computed));
      run_pooled({.x = {buffer.data, {1, end - buffer_begin, buffer.shape.w, between.c}},
                  .conv = second,
                  .y = {y.pixel(0, done / 2, 0), pooled, y.pixel_stride},
                  .padding_top = above - done + buffer_begin},
                 computed, ctx);
    }
    done = until;
  }
}

}  // namespace hewn
