// b is packed into panels of 16 columns, the order in which the register tile of ops/gemm reads
// it. The work is then cut into strips of rows: for a strip, panels are the outer loop and tiles of
// rows the inner one, so that a panel comes from beyond L2 once a strip while the strip stays in
// L2.
#include "hewn/ops/matmul/matmul.h"

#include "hewn/ops/gemm/gemm.h"
#include "hewn/ops/gemm/pack.h"
#include "hewn/runtime/error.h"
#include "hewn/runtime/isa/kernels.h"
#include "hewn/runtime/operands.h"
#include "hewn/runtime/parallel.h"

#include <algorithm>

namespace hewn {

namespace {

/// Tiles in a strip: with 12 rows of depth 1024 each, a strip of a takes 800 KB of L2.
constexpr std::int64_t kTilesPerStrip = 16;

class Matmul {
 public:
  Matmul(ConstView a, ConstView b, View y, Context& ctx, bool transpose_b)
      : a_(a),
        b_(b),
        y_(y),
        transpose_b_(transpose_b),
        kernels_(select_kernels<GemmKernels>(ctx.isa())),
        depth_(a.shape.c),
        panels_per_matrix_(divide_up(y.shape.c, kPanel)),
        tiles_(divide_up(y.shape.w, kernels_.max_pixels)),
        strips_(divide_up(tiles_, kTilesPerStrip)),
        panels_(ctx.arena().view({b.shape.n, panels_per_matrix_, depth_, kPanel})) {
    // Where there are too few strips to go round, the panels of a strip are split too.
    const std::int64_t wanted = ctx.threads() == 1 ? 1 : 4 * ctx.threads();
    splits_ = std::clamp<std::int64_t>(divide_up(wanted, y.shape.n * strips_), 1, panel_steps());
  }

  void run(Context& ctx) {
    parallel_for(ctx, b_.shape.n * panels_per_matrix_, 1,
                 [this](std::int64_t begin, std::int64_t end, int) {
                   for (std::int64_t i = begin; i < end; ++i) {
                     pack_panel(i / panels_per_matrix_, i % panels_per_matrix_);
                   }
                 });
    parallel_for(ctx, y_.shape.n * strips_ * splits_, 1,
                 [this](std::int64_t begin, std::int64_t end, int) {
                   for (std::int64_t i = begin; i < end; ++i) {
                     run_strip(i / splits_ / strips_, i / splits_ % strips_, i % splits_);
                   }
                 });
  }

 private:
  std::int64_t panel_steps() const { return divide_up(panels_per_matrix_, kernels_.max_panels); }
  /// Tiles differ by one row at most, so that none is nearly empty.
  std::int64_t tile_begin(std::int64_t tile) const { return tile * y_.shape.w / tiles_; }

  /// Columns beyond the last are zero.
  void pack_panel(std::int64_t matrix, std::int64_t panel) {
    const std::int64_t first = panel * kPanel;
    const std::int64_t columns = std::min(y_.shape.c - first, kPanel);
    float* to = panels_.pixel(matrix, panel, 0);
    if (transpose_b_) {
      pack_panel_of_rows(b_.pixel(matrix, 0, first), b_.pixel_stride, columns, depth_, to);
    } else {
      pack_panel_of_columns(b_.pixel(matrix, 0, 0) + first, b_.pixel_stride, columns, depth_, to);
    }
  }

  void run_strip(std::int64_t matrix, std::int64_t strip, std::int64_t split) {
    const std::int64_t steps = panel_steps();
    for (std::int64_t step = split * steps / splits_; step < (split + 1) * steps / splits_;
         ++step) {
      for (std::int64_t tile = strip * tiles_ / strips_; tile < (strip + 1) * tiles_ / strips_;
           ++tile) {
        run_tile(matrix, tile_begin(tile), tile_begin(tile + 1), step * kernels_.max_panels);
      }
    }
  }

  void run_tile(std::int64_t matrix, std::int64_t row, std::int64_t end, std::int64_t panel) {
    static constexpr std::int64_t kOneTap[] = {0};
    const std::int64_t column = panel * kPanel;
    kernels_.tile({
        .in = a_.pixel(a_.shape.n == 1 ? 0 : matrix, 0, row),
        .tap_offsets = kOneTap,
        .taps = 1,
        .depth = depth_,
        .pixel_stride = a_.pixel_stride,
        .panels = panels_.pixel(b_.shape.n == 1 ? 0 : matrix, panel, 0),
        .panel_stride = depth_ * kPanel,
        .out = y_.pixel(matrix, 0, row) + column,
        .out_stride = y_.pixel_stride,
        .pixels = end - row,
        .channels = std::min(y_.shape.c - column, kernels_.max_panels * kPanel),
        .epilogue = {},
    });
  }

  ConstView a_;
  ConstView b_;
  View y_;
  bool transpose_b_;
  const GemmKernels& kernels_;
  std::int64_t depth_;
  std::int64_t panels_per_matrix_;
  std::int64_t tiles_;   // in a matrix
  std::int64_t strips_;  // in a matrix
  std::int64_t splits_;  // of a strip
  View panels_;          // [matrix][panel][depth][16]
};

}  // namespace

Nhwc matmul_shape(const Nhwc& a, const Nhwc& b, const MatmulParams& params) {
  require(a.h == 1 && b.h == 1, "matmul: expected matrices, of height 1, got ", a, " and ", b);
  require(a.n == b.n || a.n == 1 || b.n == 1, "matmul: expected equal batches, or one of 1, got ",
          a.n, " and ", b.n);
  const std::int64_t depth = params.transpose_b ? b.c : b.w;
  require(a.c == depth, "matmul: expected a second matrix of depth ", a.c, ", got ", depth, " in ",
          b, params.transpose_b ? ", transposed" : "");
  return {a.n == 1 ? b.n : a.n, 1, a.w, params.transpose_b ? b.w : b.c};
}

void matmul(ConstView a, ConstView b, const MatmulParams& params, View y, Context& ctx) {
  const Nhwc shape = matmul_shape(a.shape, b.shape, params);
  require(y.shape == shape, "matmul: expected an output of ", shape, ", got ", y.shape);
  check_operands("matmul", "", {{"a", a}, {"b", b}}, y);
  if (shape.count() == 0) return;
  const auto products = static_cast<double>(shape.count()) * static_cast<double>(a.shape.c);
  const auto floats = static_cast<double>(a.shape.count()) + static_cast<double>(b.shape.count()) +
                      static_cast<double>(shape.count());
  const ProfileScope profile(ctx.profiler(), "matmul", "",
                             {.flops = 2 * products, .bytes = 4 * floats});
  const Arena::Scope scope(ctx.arena());
  Matmul(a, b, y, ctx, params.transpose_b).run(ctx);
}

}  // namespace hewn
