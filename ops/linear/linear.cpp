// The product is cut into blocks of rows and of depth, so that the block of x that is being read
// stays in L2. For a block, the threads share the panels: each panel is widened, if it is kept as
// binary16, and then multiplied with all tiles of rows, so that weights come from memory once a
// block of rows, and are fetched while the panel before them is being multiplied.
#include "hewn/ops/linear/linear.h"

#include "hewn/ops/activation/addends.h"
#include "hewn/ops/elementwise/elementwise.h"
#include "hewn/ops/gemm/gemm.h"
#include "hewn/ops/linear/bf16.h"
#include "hewn/ops/linear/kernels.h"
#include "hewn/runtime/error.h"
#include "hewn/runtime/isa/kernels.h"
#include "hewn/runtime/operands.h"
#include "hewn/runtime/parallel.h"

#include <algorithm>

namespace hewn {

namespace {

// Both are part of the order of the sums, and so the same on every machine.
/// Products in a run: longer than a convolution's, since sums of transformers are no longer than 24
/// runs, and each run costs a pass over the tile's sums: 1 to 9% faster than runs of 128.
constexpr std::int64_t kLinearRun = 256;
/// A block's depth is at most this.
constexpr std::int64_t kMaxBlockDepth = 1024;
/// The part of L2 that a block of x takes; panels and outputs pass through the rest.
constexpr std::int64_t kShareOfL2 = 2;

class Linear {
 public:
  Linear(ConstView x, const Addends& addends, const PackedLinear& layer, View y, Context& ctx)
      : x_(x),
        layer_(layer),
        y_(y),
        addends_(addends),
        gemm_(select_kernels<GemmKernels>(ctx.isa())),
        kernels_(select_kernels<LinearKernels>(ctx.isa())),
        rows_(x.shape.pixels()),
        depth_(layer.in_features()),
        steps_(divide_up(layer.out_features(), gemm_.wide_panels * kPanel)) {
    // Blocks end where runs do.
    const std::int64_t runs = divide_up(depth_, kLinearRun);
    depth_blocks_ = divide_up(runs * kLinearRun, kMaxBlockDepth);
    block_depth_ = divide_up(runs, depth_blocks_) * kLinearRun;
    const std::int64_t bytes = block_depth_ * static_cast<std::int64_t>(sizeof(float));
    const std::int64_t fitting = ctx.l2_bytes() / kShareOfL2 / bytes;
    tiles_ = divide_up(rows_, gemm_.wide_pixels);
    row_blocks_ = divide_up(tiles_, std::max<std::int64_t>(fitting / gemm_.wide_pixels, 1));
    if (!layer.half_panels().empty()) {
      panel_floats_ = gemm_.wide_panels * std::min(block_depth_, depth_) * kPanel;
      widened_ = ctx.arena().allocate<float>(checked_multiply(ctx.threads(), panel_floats_)).data();
    }
  }

  void run(Context& ctx) {
    for (std::int64_t r = 0; r < row_blocks_; ++r) {
      for (std::int64_t d = 0; d < depth_blocks_; ++d) {
        const Block block{.first_tile = r * tiles_ / row_blocks_,
                          .last_tile = (r + 1) * tiles_ / row_blocks_,
                          .depth_begin = d * block_depth_,
                          .depth_end = std::min((d + 1) * block_depth_, depth_)};
        parallel_for(ctx, steps_, 1, [&](std::int64_t begin, std::int64_t end, int worker) {
          for (std::int64_t step = begin; step < end; ++step) run_panels(block, step, worker);
        });
      }
    }
  }

 private:
  struct Block {
    std::int64_t first_tile, last_tile;
    std::int64_t depth_begin, depth_end;

    std::int64_t depth() const { return depth_end - depth_begin; }
  };

  /// Panels as the tile reads them.
  struct Panels {
    const float* data;
    std::int64_t stride;
  };

  /// Tiles differ by one row at most, so that none is nearly empty.
  std::int64_t tile_begin(std::int64_t tile) const { return tile * rows_ / tiles_; }

  /// The block's part of the panels of a step.
  Panels panels_of(const Block& block, std::int64_t step, int worker) const {
    const std::int64_t panel_size = depth_ * kPanel;
    const std::int64_t first = step * gemm_.wide_panels;
    const std::int64_t offset = first * panel_size + block.depth_begin * kPanel;
    if (widened_ == nullptr) return {layer_.panels().data() + offset, panel_size};
    const std::int64_t panels =
        std::min(divide_up(layer_.out_features(), kPanel) - first, gemm_.wide_panels);
    const std::int64_t size = block.depth() * kPanel;
    float* to = widened_ + worker * panel_floats_;
    for (std::int64_t p = 0; p < panels; ++p) {
      kernels_.widen(layer_.half_panels().data() + offset + p * panel_size, to + p * size, size);
    }
    return {to, size};
  }

  /// All tiles of the block times the panels of a step.
  void run_panels(const Block& block, std::int64_t step, int worker) const {
    static constexpr std::int64_t kOneTap[] = {0};
    const Panels panels = panels_of(block, step, worker);
    const std::int64_t channel = step * gemm_.wide_panels * kPanel;
    GemmTile tile{.in = nullptr,
                  .tap_offsets = kOneTap,
                  .taps = 1,
                  .depth = block.depth(),
                  .run = kLinearRun,
                  .pixel_stride = x_.pixel_stride,
                  .panels = panels.data,
                  .panel_stride = panels.stride,
                  .out = nullptr,
                  .out_stride = y_.pixel_stride,
                  .pixels = 0,
                  .channels = std::min(layer_.out_features() - channel, gemm_.wide_panels * kPanel),
                  .epilogue = {}};
    for (std::int64_t t = block.first_tile; t < block.last_tile; ++t) {
      const std::int64_t row = tile_begin(t);
      tile.in = x_.data + row * x_.pixel_stride + block.depth_begin;
      tile.out = y_.data + row * y_.pixel_stride + channel;
      tile.pixels = tile_begin(t + 1) - row;
      tile.epilogue = epilogue_of(block, row, channel);
      gemm_.tile(tile);
    }
  }

  /// Blocks of depth are added to what y holds of those before. Without an activation all that is
  /// added stands in front of them, so that y may be what is added.
  Epilogue epilogue_of(const Block& block, std::int64_t row, std::int64_t channel) const {
    const bool first = block.depth_begin == 0;
    const bool last = block.depth_end == depth_;
    const bool linear = layer_.activation().kind == Activation::Kind::none;
    Epilogue e;
    if (first) {
      e.bias = layer_.bias().data() + channel;
      if (addends_.before) set(*addends_.before, row, channel, e.before, e.before_stride);
    } else {
      set(y_, row, channel, e.before, e.before_stride);
    }
    if (last) e.activation = layer_.activation();
    if (addends_.after && (linear ? first : last)) {
      set(*addends_.after, row, channel, e.after, e.after_stride);
    }
    return e;
  }

  static void set(const ConstView& addend, std::int64_t row, std::int64_t channel,
                  const float*& pointer, std::int64_t& stride) {
    pointer = addend.data + row * addend.pixel_stride + channel;
    stride = addend.pixel_stride;
  }

  ConstView x_;
  const PackedLinear& layer_;
  View y_;
  const Addends& addends_;
  const GemmKernels& gemm_;
  const LinearKernels& kernels_;
  std::int64_t rows_;
  std::int64_t depth_;
  std::int64_t steps_;  // of wide_panels panels
  std::int64_t depth_blocks_;
  std::int64_t block_depth_;
  std::int64_t tiles_;
  std::int64_t row_blocks_;
  std::int64_t panel_floats_ = 0;  // of a worker
  float* widened_ = nullptr;
};

/// Without inputs the sum is the bias.
void fill_with_bias(const Addends& addends, const PackedLinear& layer, View y, Context& ctx) {
  const std::int64_t pixels = y.shape.pixels();
  for (std::int64_t p = 0; p < pixels; ++p) {
    std::copy_n(layer.bias().data(), y.shape.c, y.pixel(p));
  }
  if (addends.before) binary(y, *addends.before, BinaryOp::add, y, ctx);
  activate(y, layer.activation(), y, ctx);
  if (addends.after) binary(y, *addends.after, BinaryOp::add, y, ctx);
}

/// On rows that are evenly spaced in all views.
void run_rows(ConstView x, const Addends& addends, const PackedLinear& layer, View y,
              Context& ctx) {
  const Arena::Scope scope(ctx.arena());
  if (layer.precision() == LinearPrecision::bfloat16) {
    bf16_linear(x, addends, layer, y, ctx);
  } else {
    Linear(x, addends, layer, y, ctx).run(ctx);
  }
}

Work work_of(std::int64_t rows, const PackedLinear& layer) {
  const auto in = static_cast<double>(layer.in_features());
  const auto out = static_cast<double>(layer.out_features());
  const auto x_rows = static_cast<double>(rows);
  const double weight_bytes = layer.panels().empty() ? 2 : 4;
  return {.flops = 2 * x_rows * in * out,
          .bytes = 4 * x_rows * (in + out) + weight_bytes * in * out};
}

}  // namespace

void linear(ConstView x, const Addends& addends, const PackedLinear& layer, View y, Context& ctx) {
  require(x.shape.c == layer.in_features(), "linear ", layer.name(), ": expected ",
          layer.in_features(), " inputs, got ", x.shape);
  const Nhwc shape{x.shape.n, x.shape.h, x.shape.w, layer.out_features()};
  require(y.shape == shape, "linear ", layer.name(), ": expected an output of ", shape, ", got ",
          y.shape);
  check_addends(addends, shape, "linear ", layer.name());
  const bool is_linear = layer.activation().kind == Activation::Kind::none;
  check_operands(
      "linear", layer.name(),
      {{"x", x},
       addend_operand("before", addends.before, Overlap::none),
       addend_operand("after", addends.after, is_linear ? Overlap::in_place : Overlap::none)},
      y);
  if (shape.count() == 0) return;
  const ProfileScope profile(ctx.profiler(), "linear", layer.name(),
                             work_of(shape.pixels(), layer));
  if (layer.in_features() == 0) return fill_with_bias(addends, layer, y, ctx);
  const std::int64_t run = pixels_of_run(addends, x, y);
  for_each_run(0, shape.pixels(), run, [&](std::int64_t first, std::int64_t count) {
    const auto part = [&](const std::optional<ConstView>& addend) {
      return addend ? addend->run(first, count) : std::optional<ConstView>();
    };
    run_rows(x.run(first, count), {part(addends.before), part(addends.after)}, layer,
             y.run(first, count), ctx);
  });
}

}  // namespace hewn
