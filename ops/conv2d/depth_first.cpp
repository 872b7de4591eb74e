// The map is cut into strips of columns, and these into bands of rows where there are too few
// strips to go round. A thread takes one piece and goes down it a few rows at a time: the first
// convolution writes its rows to a small buffer, the second reads them there, while they are in L2.
// Going down, the rows that the second still needs are kept, so only the pieces' borders are
// computed twice. All windows begin where tiles do, so the bits are those of the whole maps.
#include "hewn/ops/conv2d/call.h"
#include "hewn/ops/conv2d/winograd.h"
#include "hewn/ops/conv2d/work.h"
#include "hewn/runtime/error.h"
#include "hewn/runtime/operands.h"
#include "hewn/runtime/parallel.h"

#include <algorithm>
#include <numeric>

namespace hewn {

namespace {

std::int64_t round_down(std::int64_t a, std::int64_t b) { return a / b * b; }

/// Rows of the second convolution between two calls of the first.
constexpr std::int64_t kStripeRows = 8;

std::int64_t weight_bytes(const PackedConv2d& conv) {
  const std::int64_t products = conv.winograd() != nullptr
                                    ? winograd_tile(conv.algorithm()).products()
                                    : conv.kernel_h() * conv.kernel_w();
  return products * conv.in_channels() * conv.out_channels() *
         static_cast<std::int64_t>(sizeof(float));
}

class DepthFirst {
 public:
  DepthFirst(ConstView x, const PackedConv2d& first, const PackedConv2d& second, View y,
             Context& ctx)
      : x_(x),
        first_(first),
        second_(second),
        y_(y),
        tile_(conv2d_tile(first, ctx)),
        above_(second.params().padding_h),
        below_((second.kernel_h() - 1) * second.params().dilation_h - above_),
        left_(second.params().padding_w),
        right_((second.kernel_w() - 1) * second.params().dilation_w - left_) {
    const Conv2dTile second_tile = conv2d_tile(second, ctx);
    // Pieces begin where a tile of the second convolution and a pooled pixel do.
    const std::int64_t step_h = std::lcm(second_tile.h, 2);
    const std::int64_t step_w = std::lcm(second_tile.w, 2);
    stripe_ = round_up(kStripeRows, step_h);
    buffer_rows_ = std::min(stripe_ + above_ + below_ + 2 * tile_.h, x.shape.h);
    plan_pieces(step_h, step_w, ctx);
    const std::int64_t columns = std::min(strip_ + left_ + right_ + tile_.w, x.shape.w);
    buffer_size_ = buffer_rows_ * columns * first.out_channels();
    buffers_ = ctx.arena().allocate<float>(checked_multiply(ctx.threads(), buffer_size_)).data();
  }

  void run(Context& ctx) {
    const std::span<Context> serial = ctx.serial_contexts();
    parallel_for(ctx, strips_ * bands_, 1, [&](std::int64_t begin, std::int64_t end, int worker) {
      for (std::int64_t i = begin; i < end; ++i) {
        run_piece(i % strips_ * strip_, i / strips_ * band_, worker,
                  serial[static_cast<std::size_t>(worker)]);
      }
    });
  }

 private:
  /// Strips are as wide as their buffer is a quarter of L2, for the second convolution needs the
  /// rest; or as twice the weights, which are read once a stripe and should be worth it.
  void plan_pieces(std::int64_t step_h, std::int64_t step_w, const Context& ctx) {
    constexpr std::int64_t kShareOfL2 = 4;
    constexpr std::int64_t kLeastStripes = 8;
    const std::int64_t column_bytes =
        buffer_rows_ * first_.out_channels() * static_cast<std::int64_t>(sizeof(float));
    const std::int64_t widest =
        std::max(ctx.l2_bytes() / kShareOfL2, 2 * weight_bytes(second_)) / column_bytes;
    strip_ =
        round_up(divide_up(x_.shape.w, divide_up(x_.shape.w, std::max(widest, step_w))), step_w);
    strips_ = divide_up(x_.shape.w, strip_);
    const std::int64_t wanted = ctx.threads() == 1 ? 1 : 4 * ctx.threads();
    const std::int64_t bands = std::clamp<std::int64_t>(
        divide_up(wanted, strips_), 1, divide_up(x_.shape.h, kLeastStripes * stripe_));
    band_ = round_up(divide_up(x_.shape.h, bands), step_h);
    bands_ = divide_up(x_.shape.h, band_);
  }

  /// The piece whose first output of the second convolution is (row, column).
  void run_piece(std::int64_t column, std::int64_t row, int worker, Context& ctx) const {
    const std::int64_t column_end = std::min(column + strip_, x_.shape.w);
    const std::int64_t row_end = std::min(row + band_, x_.shape.h);
    // What the first convolution has computed lies in the buffer: rows [kept, done) and columns
    // from `from` on.
    const std::int64_t from = round_down(std::max<std::int64_t>(column - left_, 0), tile_.w);
    const Nhwc pixel_row{1, 1, std::min(column_end + right_, x_.shape.w) - from,
                         first_.out_channels()};
    float* buffer = buffers_ + worker * buffer_size_;
    const std::int64_t row_size = pixel_row.w * pixel_row.c;
    std::int64_t kept = round_down(std::max<std::int64_t>(row - above_, 0), tile_.h);
    std::int64_t done = kept;
    for (std::int64_t begin = row; begin < row_end; begin += stripe_) {
      const std::int64_t end = std::min(begin + stripe_, row_end);
      const std::int64_t keep = std::min(std::max(begin - above_, kept), done);
      std::copy(buffer + (keep - kept) * row_size, buffer + (done - kept) * row_size, buffer);
      kept = keep;
      const std::int64_t until = std::min(round_up(end + below_, tile_.h), x_.shape.h);
      if (until > done) {
        const View made(buffer + (done - kept) * row_size,
                        {1, until - done, pixel_row.w, pixel_row.c});
        conv2d_run({.x = x_,
                    .conv = first_,
                    .y = made,
                    .padding_top = first_.params().padding_h - done,
                    .padding_left = first_.params().padding_w - from},
                   ctx);
        ctx.tracer().show(first_.name(), made, {1, x_.shape.h, x_.shape.w, pixel_row.c}, done,
                          from);
        done = until;
      }
      const Nhwc pooled{1, end / 2 - begin / 2, column_end / 2 - column / 2, y_.shape.c};
      if (pooled.count() == 0) continue;
      conv2d_run_pooled({.x = ConstView{buffer, {1, done - kept, pixel_row.w, pixel_row.c}},
                         .conv = second_,
                         .y = y_.window(begin / 2, column / 2, pooled.h, pooled.w),
                         .padding_top = above_ - begin + kept,
                         .padding_left = left_ - column + from},
                        {1, end - begin, column_end - column, y_.shape.c}, ctx);
      if (!ctx.tracer().on()) continue;
      for (std::int64_t r = begin / 2; r < end / 2; ++r) {
        ctx.tracer().show(second_.name() + ".max_pool",
                          {y_.pixel(0, r, column / 2), {1, 1, pooled.w, pooled.c}, y_.pixel_stride},
                          y_.shape, r, column / 2);
      }
    }
  }

  ConstView x_;
  const PackedConv2d& first_;
  const PackedConv2d& second_;
  View y_;
  Conv2dTile tile_;  // of the first convolution
  // How far the second convolution sees beyond an output.
  std::int64_t above_, below_, left_, right_;
  std::int64_t stripe_ = 0;
  std::int64_t strip_ = 0;  // columns
  std::int64_t strips_ = 0;
  std::int64_t band_ = 0;  // rows
  std::int64_t bands_ = 0;
  std::int64_t buffer_rows_ = 0;
  std::int64_t buffer_size_ = 0;  // floats
  float* buffers_ = nullptr;
};

bool keeps_size(const PackedConv2d& conv, const Nhwc& x) {
  const Nhwc y = conv.output_shape({x.n, x.h, x.w, conv.in_channels()});
  return conv.params().stride_h == 1 && conv.params().stride_w == 1 && y.h == x.h && y.w == x.w;
}

}  // namespace

void conv2d_pair_max_pool(ConstView x, const PackedConv2d& first, const PackedConv2d& second,
                          View y, Context& ctx) {
  const Nhwc between = first.output_shape(x.shape);
  const Nhwc unpooled = second.output_shape(between);
  const Nhwc expected = pool2d_output_shape(unpooled, kHalve);
  check_conv2d(second, y.shape, expected, ctx);
  check_conv2d(first, between, between, ctx);
  require(x.shape.n == 1 && keeps_size(first, x.shape) && keeps_size(second, x.shape), "conv2d ",
          first.name(), " and ", second.name(),
          ": expected one picture and convolutions that keep its size, got ", x.shape, " → ",
          between, " → ", unpooled);
  check_operands("conv2d", first.name(), {{"x", x}}, y);
  if (y.shape.count() == 0) return;
  const Work a = conv2d_work(x.shape, first, between);
  const Work b = conv2d_work(between, second, unpooled);
  const std::string name =
      ctx.profiler().enabled() ? first.name() + " + " + second.name() : std::string();
  const ProfileScope profile(ctx.profiler(), "conv2d", name,
                             {.flops = a.flops + b.flops, .bytes = a.bytes + b.bytes});
  const Arena::Scope scope(ctx.arena());
  DepthFirst(x, first, second, y, ctx).run(ctx);
}

}  // namespace hewn
