// A maximum over a rectangle is a maximum over columns of maxima over rows. Each of the two runs
// over a flat array, by doubling: from the maxima of 1 element come those of 2, of 4, of 8, and two
// of these, overlapping, make any window up to 16. The taps of a row are `channels` floats apart,
// those of a column a row of floats, so one loop does both, sixteen floats at a time whatever the
// number of channels.
//
// Of equal values, and so of +0 and −0, each step keeps the one that comes first; the whole thus
// picks the first in row-major order, as the plain loop does.
#include "hewn/ops/pool2d/max_sliding.h"

#include "hewn/ops/pool2d/kernels.h"
#include "hewn/runtime/isa/kernels.h"
#include "hewn/runtime/parallel.h"

#include <algorithm>
#include <limits>

namespace hewn {

namespace {

/// Floats of row maxima that a block holds: 128 KB, which stays in L2.
constexpr std::int64_t kBlockFloats = 32 * 1024;

constexpr float kLowest = -std::numeric_limits<float>::infinity();

class SlidingMax {
 public:
  SlidingMax(ConstView x, const Pool2dParams& params, View y, Context& ctx)
      : x_(x),
        p_(params),
        y_(y),
        kernels_(select_kernels<Pool2dKernels>(ctx.isa())),
        row_floats_(y.shape.w * y.shape.c),
        padded_row_floats_((x.shape.w + 2 * params.padding_w) * x.shape.c) {
    // Each block computes the maxima of kernel_h − 1 rows that its neighbour computes again.
    block_rows_ = std::max(params.kernel_h, kBlockFloats / row_floats_ - (params.kernel_h - 1));
    block_rows_ = std::min(block_rows_, y.shape.h);
    blocks_per_image_ = divide_up(y.shape.h, block_rows_);
    scratch_size_ = padded_row_floats_ + (block_rows_ + params.kernel_h - 1) * row_floats_;
    scratch_ = ctx.arena().allocate<float>(checked_multiply(ctx.threads(), scratch_size_)).data();
  }

  void run(Context& ctx) {
    const std::int64_t blocks = y_.shape.n * blocks_per_image_;
    parallel_for(ctx, blocks, 1, [this](std::int64_t begin, std::int64_t end, int worker) {
      for (std::int64_t block = begin; block < end; ++block) run_block(block, worker);
    });
  }

 private:
  void run_block(std::int64_t block, int worker) {
    const std::int64_t image = block / blocks_per_image_;
    const std::int64_t first = block % blocks_per_image_ * block_rows_;
    const std::int64_t rows = std::min(block_rows_, y_.shape.h - first);
    float* padded_row = scratch_ + worker * scratch_size_;
    float* row_maxima = padded_row + padded_row_floats_;
    for (std::int64_t i = 0; i < rows + p_.kernel_h - 1; ++i) {
      take_row_maxima(image, first - p_.padding_h + i, padded_row, row_maxima + i * row_floats_);
    }
    float* out = y_.dense() ? y_.pixel(image, first, 0) : row_maxima;
    slide(row_maxima, row_floats_, p_.kernel_h, rows * row_floats_, out);
    if (!y_.dense()) {
      copy({row_maxima, {1, rows, y_.shape.w, y_.shape.c}},
           y_.image(image).rows(first, first + rows));
    }
  }

  /// out[i] = max of values[i], values[i + step], … values[i + (window − 1)·step], 0 ≤ i < count.
  /// Uses up `values`; `out` may be the same array.
  void slide(float* values, std::int64_t step, std::int64_t window, std::int64_t count,
             float* out) const {
    std::int64_t covered = 1;
    for (; 2 * covered <= window; covered *= 2) {
      kernels_.maximum(values, values + covered * step, values,
                       count + (window - 2 * covered) * step);
    }
    kernels_.maximum(values, values + (window - covered) * step, out, count);
  }

  void take_row_maxima(std::int64_t image, std::int64_t iy, float* padded_row, float* out) const {
    if (iy < 0 || iy >= x_.shape.h) {
      std::fill_n(out, row_floats_, kLowest);
      return;
    }
    const std::int64_t channels = x_.shape.c;
    float* to = std::fill_n(padded_row, p_.padding_w * channels, kLowest);
    if (x_.pixel_stride == channels) {
      to = std::copy_n(x_.pixel(image, iy, 0), x_.shape.w * channels, to);
    } else {
      for (std::int64_t ix = 0; ix < x_.shape.w; ++ix) {
        to = std::copy_n(x_.pixel(image, iy, ix), channels, to);
      }
    }
    std::fill_n(to, p_.padding_w * channels, kLowest);
    slide(padded_row, channels, p_.kernel_w, row_floats_, out);
  }

  ConstView x_;
  const Pool2dParams& p_;
  View y_;
  const Pool2dKernels& kernels_;
  std::int64_t row_floats_;
  std::int64_t padded_row_floats_;
  std::int64_t block_rows_ = 0;
  std::int64_t blocks_per_image_ = 0;
  std::int64_t scratch_size_ = 0;
  float* scratch_ = nullptr;
};

}  // namespace

bool is_sliding(const Nhwc& x, const Pool2dParams& params) {
  return params.stride_h == 1 && params.stride_w == 1 && params.kernel_h <= x.h &&
         params.kernel_w <= x.w;
}

void max_pool2d_sliding(ConstView x, const Pool2dParams& params, View y, Context& ctx) {
  const Arena::Scope scope(ctx.arena());
  SlidingMax(x, params, y, ctx).run(ctx);
}

}  // namespace hewn
