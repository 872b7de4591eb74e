// The output is cut into tiles of 4×4, the tiles into blocks. For a block: transform the input
// tiles for all channels; then for each panel of output channels multiply, one product matrix after
// the other, and transform the products into outputs. The block's transformed input and the
// products of one panel stay in L2; weights are read once a block.
//
// With dilation d the map falls into d² phases, the pixels of equal (y mod d, x mod d), each of
// which is an undilated map: its tiles only step by d. All phases share the blocks.
#include "hewn/ops/conv2d/winograd.h"

#include "hewn/ops/gemm/gemm.h"
#include "hewn/runtime/isa/kernels.h"
#include "hewn/runtime/parallel.h"

#include <algorithm>

namespace hewn {

namespace {

std::int64_t divide_up(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

constexpr std::int64_t kMaxBlock = 48;

/// Tiles in a block: as many as keep the transformed input near 800 KB, for an L2 of 1 MB and more.
std::int64_t tiles_per_block(std::int64_t products, std::int64_t channels) {
  constexpr std::int64_t kBytes = 800 << 10;
  constexpr std::int64_t kMultiple = 12;  // pixels of the largest register tile
  const std::int64_t tiles = kBytes / (products * channels * 4) / kMultiple * kMultiple;
  return std::clamp(tiles, kMultiple, kMaxBlock);
}

class WinogradConv2d {
 public:
  WinogradConv2d(const Conv2dCall& call, Context& ctx)
      : x_(call.x),
        conv_(call.conv),
        p_(call.conv.params()),
        padding_top_(call.padding_top),
        y_(call.y),
        max_pool_(call.max_pool),
        residual_(call.residual),
        gemm_(select_kernels<GemmKernels>(ctx.isa())),
        f_(select_kernels<WinogradKernels>(ctx.isa()).f4x4_3x3) {
    const std::int64_t scale = max_pool_ ? 2 : 1;
    rows_ = y_.shape.h * scale;
    columns_ = y_.shape.w * scale;
    depth_ = conv_.in_channels();
    channels_ = divide_up(depth_, kPanel) * kPanel;
    tiles_h_ = divide_up(divide_up(rows_, p_.dilation_h), f_.outputs_h);
    tiles_w_ = divide_up(divide_up(columns_, p_.dilation_w), f_.outputs_w);
    tiles_ = y_.shape.n * tiles_h_ * p_.dilation_h * tiles_w_ * p_.dilation_w;
    block_ = std::min(tiles_per_block(f_.products(), channels_), tiles_);
    panel_width_ = gemm_.max_panels * kPanel;
    // One line more than the tiles need: products a multiple of 4 KB apart would all fall into one
    // set of L1.
    input_stride_ = block_ * channels_ + kPanel;
    output_stride_ = block_ * panel_width_ + kPanel;
    scratch_size_ = f_.products() * (input_stride_ + output_stride_);
    scratch_ = ctx.arena().allocate<float>(ctx.threads() * scratch_size_).data();
  }

  void run(Context& ctx) {
    // Blocks of nearly equal size, so that no thread is left with a small rest.
    const std::int64_t blocks = divide_up(tiles_, block_);
    parallel_for(ctx, blocks, 1, [&](std::int64_t begin, std::int64_t end, int worker) {
      for (std::int64_t i = begin; i < end; ++i) {
        run_block(i * tiles_ / blocks, (i + 1) * tiles_ / blocks, worker);
      }
    });
  }

 private:
  /// The first output pixel of a tile.
  struct Tile {
    std::int64_t image, y, x;
  };

  Tile tile_at(std::int64_t index) const {
    const std::int64_t columns = tiles_w_ * p_.dilation_w;
    const std::int64_t rows = tiles_h_ * p_.dilation_h;
    const std::int64_t column = index % columns;
    const std::int64_t row = index / columns % rows;
    return {index / columns / rows, row / tiles_h_ + row % tiles_h_ * f_.outputs_h * p_.dilation_h,
            column / tiles_w_ + column % tiles_w_ * f_.outputs_w * p_.dilation_w};
  }

  void run_block(std::int64_t begin, std::int64_t end, int worker) {
    float* transformed = scratch_ + worker * scratch_size_;
    float* products = transformed + f_.products() * input_stride_;
    Tile tiles[kMaxBlock];
    const std::int64_t count = end - begin;
    for (std::int64_t i = 0; i < count; ++i) {
      tiles[i] = tile_at(begin + i);
      transform_input(tiles[i], transformed + i * channels_);
    }
    for (std::int64_t panel = 0; panel < conv_.panels_per_group(); panel += gemm_.max_panels) {
      const std::int64_t panels = std::min(gemm_.max_panels, conv_.panels_per_group() - panel);
      multiply(transformed, panel, panels, count, products);
      for (std::int64_t i = 0; i < count; ++i) {
        for (std::int64_t n = 0; n < panels; ++n) {
          transform_output(products + i * panel_width_ + n * kPanel, tiles[i], panel + n);
        }
      }
    }
  }

  /// The part [begin, end) of `points` samples, `step` apart from `first` on, inside [0, size).
  static std::pair<int, int> range_inside(std::int64_t first, std::int64_t step, int points,
                                          std::int64_t size) {
    const std::int64_t begin = first < 0 ? divide_up(-first, step) : 0;
    const std::int64_t end = first < size ? divide_up(size - first, step) : 0;
    return {static_cast<int>(std::min<std::int64_t>(begin, points)),
            static_cast<int>(std::min<std::int64_t>(end, points))};
  }

  void transform_input(const Tile& tile, float* out) const {
    const std::int64_t y = tile.y - padding_top_;
    const std::int64_t x = tile.x - p_.padding_w;
    const auto rows = range_inside(y, p_.dilation_h, f_.points_h(), x_.shape.h);
    const auto columns = range_inside(x, p_.dilation_w, f_.points_w(), x_.shape.w);
    f_.input({
        .in = x_.pixel(tile.image, y, x),
        .row_stride = p_.dilation_h * x_.shape.w * x_.pixel_stride,
        .column_stride = p_.dilation_w * x_.pixel_stride,
        .row_begin = rows.first,
        .row_end = rows.second,
        .column_begin = columns.first,
        .column_end = columns.second,
        .channels = depth_,
        .out = out,
        .product_stride = input_stride_,
    });
  }

  void multiply(const float* transformed, std::int64_t panel, std::int64_t panels,
                std::int64_t tiles, float* products) const {
    static constexpr std::int64_t kNoOffset = 0;
    const std::int64_t panel_stride = f_.products() * depth_ * kPanel;
    const std::int64_t steps = divide_up(tiles, gemm_.max_pixels);
    for (std::int64_t product = 0; product < f_.products(); ++product) {
      const float* in = transformed + product * input_stride_;
      float* out = products + product * output_stride_;
      const float* weights = conv_.winograd() + panel * panel_stride + product * depth_ * kPanel;
      for (std::int64_t step = 0; step < steps; ++step) {
        const std::int64_t begin = step * tiles / steps;
        const std::int64_t end = (step + 1) * tiles / steps;
        gemm_.tile({
            .in = in + begin * channels_,
            .tap_offsets = &kNoOffset,
            .taps = 1,
            .depth = depth_,
            .pixel_stride = channels_,
            .panels = weights,
            .panel_stride = panel_stride,
            .out = out + begin * panel_width_,
            .out_stride = panel_width_,
            .pixels = end - begin,
            .channels = panels * kPanel,
            .epilogue = {},
        });
      }
    }
  }

  void transform_output(const float* products, const Tile& tile, std::int64_t panel) const {
    const auto rows = range_inside(tile.y, p_.dilation_h, f_.outputs_h, rows_);
    const auto columns = range_inside(tile.x, p_.dilation_w, f_.outputs_w, columns_);
    const std::int64_t channel = panel * kPanel;
    const auto at = [channel](const float* values) {
      return values == nullptr ? nullptr : values + channel;
    };
    Epilogue epilogue{.bias = at(conv_.bias()),
                      .activation = p_.activation,
                      .scale = at(conv_.scale()),
                      .shift = at(conv_.shift())};
    std::int64_t residual_stride = 0;
    if (residual_) {
      epilogue.residual = residual_->pixel(tile.image, tile.y, tile.x) + channel;
      residual_stride = residual_->pixel_stride;
    }
    const std::int64_t row = p_.dilation_h * y_.shape.w;
    const std::int64_t scale = max_pool_ ? 2 : 1;
    f_.output({
        .in = products,
        .product_stride = output_stride_,
        .out = y_.pixel(tile.image, tile.y / scale, tile.x / scale) + channel,
        .row_stride = row * y_.pixel_stride,
        .column_stride = p_.dilation_w * y_.pixel_stride,
        .residual_row_stride = row * residual_stride,
        .residual_column_stride = p_.dilation_w * residual_stride,
        .rows = rows.second,
        .columns = columns.second,
        .max_pool = max_pool_,
        .channels = std::min(y_.shape.c - channel, kPanel),
        .epilogue = epilogue,
    });
  }

  ConstView x_;
  const PackedConv2d& conv_;
  const Conv2dParams& p_;
  std::int64_t padding_top_;
  View y_;
  bool max_pool_;
  std::optional<ConstView> residual_;
  const GemmKernels& gemm_;
  const WinogradTransforms& f_;

  std::int64_t rows_ = 0;  // of the result, before pooling
  std::int64_t columns_ = 0;
  std::int64_t depth_ = 0;
  std::int64_t channels_ = 0;  // depth, rounded up to whole vectors
  std::int64_t tiles_h_ = 0;   // of one phase
  std::int64_t tiles_w_ = 0;
  std::int64_t tiles_ = 0;
  std::int64_t block_ = 0;
  std::int64_t panel_width_ = 0;
  std::int64_t input_stride_ = 0;   // floats between the products of the transformed input
  std::int64_t output_stride_ = 0;  // and between those of a panel
  std::int64_t scratch_size_ = 0;
  float* scratch_ = nullptr;
};

}  // namespace

void conv2d_winograd(const Conv2dCall& call, Context& ctx) {
  const Arena::Scope scope(ctx.arena());
  WinogradConv2d(call, ctx).run(ctx);
}

}  // namespace hewn
