// The output is cut into tiles of m_h × m_w, the tiles into blocks. For a block: transform the
// input tiles for all channels; then for each panel of output channels multiply, one product matrix
// after the other, and transform the products into outputs. The block's transformed input and the
// products of one panel stay in L2; weights are read once a block.
//
// Sub-pixels: y has h × w pixels for each place of the convolution, and panels of channels are
// theirs in turn, so that one transformed input serves all of them.
//
// With stride 2 the input falls into four parts, every other row and column of it, and the
// convolution is the sum of one with 2×2 taps, stride 1, over each. Their tiles lie side by side,
// as so many more channels, and their products are summed before they are transformed.
//
// With dilation d the map falls into d² phases, the pixels of equal (y mod d, x mod d), each of
// which is an undilated map: its tiles only step by d. All phases share the blocks.
#include "hewn/ops/conv2d/winograd.h"

#include "hewn/ops/gemm/gemm.h"
#include "hewn/runtime/isa/kernels.h"
#include "hewn/runtime/parallel.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <span>

namespace hewn {

namespace {

/// Tiles in a block.
constexpr std::int64_t kMaxBlock = 128;

/// Sums of transformed values are in shorter runs than others: the output transform magnifies their
/// errors.
constexpr std::int64_t kRunOfProducts = 64;

const WinogradTransforms& transforms_of(Conv2dAlgorithm algorithm, const WinogradKernels& kernels) {
  switch (algorithm) {
    case Conv2dAlgorithm::winograd_2x2_3x3:
      return kernels.f2x2_3x3;
    case Conv2dAlgorithm::winograd_3x3s2:
      return kernels.f4x4_2x2;
    case Conv2dAlgorithm::winograd_1x4_1x5:
      return kernels.f1x4_1x5;
    case Conv2dAlgorithm::winograd_4x1_5x1:
      return kernels.f4x1_5x1;
    case Conv2dAlgorithm::winograd_4x4_3x3:
    case Conv2dAlgorithm::direct:
      break;
  }
  return kernels.f4x4_3x3;
}

class WinogradConv2d {
 public:
  WinogradConv2d(const Conv2dCall& call, Context& ctx)
      : x_(call.x),
        conv_(call.conv),
        p_(call.conv.params()),
        padding_top_(call.padding_top),
        padding_left_(call.padding_left),
        y_(call.y),
        pooling_(call.max_pool ? 2 : 1),
        subpixels_(call.subpixels),
        before_(call.before),
        after_(call.after),
        gemm_(select_kernels<GemmKernels>(ctx.isa())),
        tile_(winograd_tile(call.conv.algorithm())),
        products_(winograd_products(tile_)),
        kernels_(select_kernels<WinogradKernels>(ctx.isa())),
        transforms_(transforms_of(call.conv.algorithm(), kernels_)) {
    rows_ = divide_up(y_.shape.h * pooling_, subpixels_.h);
    columns_ = divide_up(y_.shape.w * pooling_, subpixels_.w);
    subpixel_panels_ = conv_.panels_per_group() / (subpixels_.h * subpixels_.w);
    depth_ = conv_.in_channels();
    channels_ = round_up(depth_, kPanel);
    tile_channels_ = tile_.parts() * channels_;
    for (int part = 0; part < tile_.parts(); ++part) {
      part_offsets_[static_cast<std::size_t>(part)] = part * channels_;
    }
    tiles_h_ = divide_up(divide_up(rows_, p_.dilation_h), tile_.outputs_h);
    tiles_w_ = divide_up(divide_up(columns_, p_.dilation_w), tile_.outputs_w);
    tiles_ = y_.shape.n * tiles_h_ * p_.dilation_h * tiles_w_ * p_.dilation_w;
    plan_blocks(ctx);
    // One line more than the tiles need: products a multiple of 4 KB apart would all fall into one
    // set of L1.
    input_stride_ = block_ * tile_channels_ + kPanel;
    output_stride_ = block_ * group_ * kPanel + kPanel;
    scratch_size_ = tile_.products() * (input_stride_ + output_stride_);
    scratch_ = ctx.arena().allocate<float>(ctx.threads() * scratch_size_).data();
  }

  void run(Context& ctx) {
    const std::int64_t blocks = blocks_;
    parallel_for(ctx, blocks, 1, [&](std::int64_t begin, std::int64_t end, int worker) {
      for (std::int64_t i = begin; i < end; ++i) {
        run_block(i * tiles_ / blocks, (i + 1) * tiles_ / blocks, worker);
      }
    });
  }

 private:
  /// How many tiles are a block, and for how many panels they are multiplied before their products
  /// are transformed.
  void plan_blocks(const Context& ctx) {
    constexpr auto kFloat = static_cast<std::int64_t>(sizeof(float));
    constexpr std::int64_t kMultiple = 12;  // pixels of the largest register tile
    const std::int64_t panel_bytes = products_.parts * depth_ * kPanel * kFloat;
    std::int64_t block = 0;
    if (subpixel_panels_ * panel_bytes < 3 * ctx.l2_bytes()) {
      // As many tiles as keep their transformed input below a part of L2, so that the products of
      // two panels and the weights on their way through find room beside it.
      constexpr std::int64_t kMost = 48;
      constexpr double kShareOfL2 = 0.3;
      const auto budget =
          static_cast<std::int64_t>(kShareOfL2 * static_cast<double>(ctx.l2_bytes()));
      const std::int64_t tile_bytes = tile_.products() * tile_channels_ * kFloat;
      block = std::clamp(budget / tile_bytes / kMultiple * kMultiple, kMultiple, kMost);
      group_ = gemm_.max_panels;
    } else {
      // So few tiles would not be worth so many weights, which come from beyond L2 for each block.
      // Of a product at a time, the input and output of many tiles and all panels stay in L2; then
      // they, too, go beyond it.
      block = kMaxBlock;
      group_ = subpixel_panels_;
    }
    // Blocks of nearly equal size, and as many for every thread.
    blocks_ = std::min(round_up(divide_up(tiles_, block), ctx.threads()), tiles_);
    block_ = divide_up(tiles_, blocks_);
  }

  /// The first output pixel of a tile, and how many of its outputs exist.
  struct Tile {
    std::int64_t image, y, x;
    int rows, columns;
  };

  Tile tile_at(std::int64_t index) const {
    const std::int64_t columns = tiles_w_ * p_.dilation_w;
    const std::int64_t rows = tiles_h_ * p_.dilation_h;
    const std::int64_t column = index % columns;
    const std::int64_t row = index / columns % rows;
    Tile tile{.image = index / columns / rows,
              .y = row / tiles_h_ + row % tiles_h_ * tile_.outputs_h * p_.dilation_h,
              .x = column / tiles_w_ + column % tiles_w_ * tile_.outputs_w * p_.dilation_w,
              .rows = 0,
              .columns = 0};
    tile.rows = range_inside(tile.y, p_.dilation_h, tile_.outputs_h, rows_).second;
    tile.columns = range_inside(tile.x, p_.dilation_w, tile_.outputs_w, columns_).second;
    return tile;
  }

  void run_block(std::int64_t begin, std::int64_t end, int worker) {
    float* transformed = scratch_ + worker * scratch_size_;
    float* products = transformed + tile_.products() * input_stride_;
    Tile tile_buffer[kMaxBlock];
    const std::span<Tile> tiles(tile_buffer, static_cast<std::size_t>(end - begin));
    for (Tile& tile : tiles) {
      tile = tile_at(begin++);
      transform_input(tile, transformed + (&tile - tile_buffer) * tile_channels_);
    }
    const std::int64_t subpixels = subpixels_.h * subpixels_.w;
    for (std::int64_t i = 0; i < subpixels; ++i) {
      const std::int64_t end_panel = (i + 1) * subpixel_panels_;
      const std::uint64_t needed = needed_products(i);
      const auto transform = output_transform(needed);
      if (transform == transforms_.output) clear_products(~needed, std::ssize(tiles), products);
      for (std::int64_t panel = i * subpixel_panels_; panel < end_panel; panel += group_) {
        const std::int64_t panels = std::min(group_, end_panel - panel);
        multiply(transformed, panel, panels, needed, std::ssize(tiles), products);
        transform_outputs(products, tiles, panel, panels, transform);
      }
    }
  }

  std::uint64_t needed_products(std::int64_t subpixel) const {
    if (subpixels_.products.empty()) return ~std::uint64_t{0};
    return subpixels_.products[static_cast<std::size_t>(subpixel)];
  }

  using OutputTransform = decltype(WinogradTransforms::output);

  /// The one that reads only the products that are needed, where there is one.
  OutputTransform output_transform(std::uint64_t needed) const {
    if (subpixels_.products.empty()) return transforms_.output;
    for (const int row : {0, 1}) {
      for (const int column : {0, 1}) {
        std::uint64_t read = 0;
        for (int i = 0; i < tile_.products(); ++i) {
          const int missing_row = row * (tile_.points_h() - 1);
          const int missing_column = column * (tile_.points_w() - 1);
          const bool missing =
              i / tile_.points_w() == missing_row || i % tile_.points_w() == missing_column;
          if (!missing) read |= std::uint64_t{1} << i;
        }
        if (read == needed) return kernels_.f4x4_3x3_part[row][column];
      }
    }
    return transforms_.output;
  }

  void clear_products(std::uint64_t which, std::int64_t tiles, float* products) const {
    for (std::int64_t product = 0; product < tile_.products(); ++product) {
      if ((which >> product & 1) == 0) continue;
      std::fill_n(products + product * output_stride_, tiles * group_ * kPanel, 0.0F);
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
    for (int part = 0; part < tile_.parts(); ++part, out += channels_) {
      // With a stride of 1, dilation is the distance of samples.
      const std::int64_t step_h = p_.dilation_h * tile_.stride;
      const std::int64_t step_w = p_.dilation_w * tile_.stride;
      const std::int64_t y = tile.y * tile_.stride - padding_top_ - part / tile_.stride;
      const std::int64_t x = tile.x * tile_.stride - padding_left_ - part % tile_.stride;
      const auto rows = range_inside(y, step_h, tile_.points_h(), x_.shape.h);
      const auto columns = range_inside(x, step_w, tile_.points_w(), x_.shape.w);
      transforms_.input({
          .in = x_.pixel(tile.image, y, x),
          .row_stride = step_h * x_.row_stride,
          .column_stride = step_w * x_.pixel_stride,
          .row_begin = rows.first,
          .row_end = rows.second,
          .column_begin = columns.first,
          .column_end = columns.second,
          .channels = depth_,
          .out = out,
          .product_stride = input_stride_,
      });
    }
  }

  void multiply(const float* transformed, std::int64_t panel, std::int64_t panels,
                std::uint64_t needed, std::int64_t tiles, float* products) const {
    const std::int64_t panel_stride = products_.parts * depth_ * kPanel;
    const std::int64_t steps = divide_up(tiles, gemm_.max_pixels);
    GemmTile gemm{.in = nullptr,
                  .tap_offsets = nullptr,
                  .taps = 0,
                  .depth = depth_,
                  .run = kRunOfProducts,
                  .pixel_stride = tile_channels_,
                  .panels = nullptr,
                  .panel_stride = panel_stride,
                  .out = nullptr,
                  .out_stride = group_ * kPanel,
                  .pixels = 0,
                  .channels = 0,
                  .epilogue = {}};
    std::int64_t bounds[kMaxBlock + 1];
    for (std::int64_t step = 0; step <= steps; ++step) bounds[step] = step * tiles / steps;
    for (std::int64_t product = 0; product < tile_.products(); ++product) {
      if ((needed >> product & 1) == 0) continue;
      // The parts of the input are taps of a product of matrices.
      const WinogradProduct& sum = products_.of[static_cast<std::size_t>(product)];
      std::array<std::int64_t, 4> offsets;
      for (std::size_t i = 0; i < offsets.size(); ++i) {
        offsets[i] = part_offsets_[static_cast<std::size_t>(sum.parts[i])];
      }
      gemm.tap_offsets = offsets.data();
      gemm.taps = sum.count;
      for (std::int64_t n = 0; n < panels; n += gemm_.max_panels) {
        gemm.panels = conv_.winograd() + (panel + n) * panel_stride + sum.first * depth_ * kPanel;
        gemm.channels = std::min(gemm_.max_panels, panels - n) * kPanel;
        for (std::int64_t step = 0; step < steps; ++step) {
          gemm.in = transformed + product * input_stride_ + bounds[step] * tile_channels_;
          gemm.out = products + product * output_stride_ + (bounds[step] * group_ + n) * kPanel;
          gemm.pixels = bounds[step + 1] - bounds[step];
          gemm_.tile(gemm);
        }
      }
    }
  }

  /// All tiles of a block, for some panels of one sub-pixel: panel by panel, so that what is read
  /// and what is written is as contiguous as can be.
  void transform_outputs(const float* products, std::span<const Tile> tiles, std::int64_t panel,
                         std::int64_t panels, OutputTransform transform) const {
    const std::int64_t subpixel = panel / subpixel_panels_;
    const std::int64_t row = subpixel / subpixels_.w;
    const std::int64_t column = subpixel % subpixels_.w;
    const std::int64_t first_channel = panel % subpixel_panels_ * kPanel;
    WinogradOutput output{
        .in = nullptr,
        .product_stride = output_stride_,
        .next = kPanel,
        .out = nullptr,
        .row_stride = p_.dilation_h * subpixels_.h * y_.row_stride,
        .column_stride = p_.dilation_w * subpixels_.w * y_.pixel_stride,
        .before_row_stride = before_ ? p_.dilation_h * before_->row_stride : 0,
        .before_column_stride = before_ ? p_.dilation_w * before_->pixel_stride : 0,
        .after_row_stride = after_ ? p_.dilation_h * after_->row_stride : 0,
        .after_column_stride = after_ ? p_.dilation_w * after_->pixel_stride : 0,
        .rows = 0,
        .columns = 0,
        .max_pool = pooling_ == 2,
        .channels = 0,
        .epilogue = {.activation = p_.activation},
    };
    const auto at = [](const float* values, std::int64_t offset) {
      return values == nullptr ? nullptr : values + offset;
    };
    // A block at the end of y may have fewer pixels.
    const std::int64_t rows = divide_up(y_.shape.h * pooling_ - row, subpixels_.h);
    const std::int64_t columns = divide_up(y_.shape.w * pooling_ - column, subpixels_.w);
    const auto clip = [](int outputs, std::int64_t left) {
      return static_cast<int>(std::clamp<std::int64_t>(left, 0, outputs));
    };
    for (const Tile& tile : tiles) {
      const std::int64_t y = tile.y * subpixels_.h + row;
      const std::int64_t x = tile.x * subpixels_.w + column;
      float* out = pooling_ == 1 ? y_.pixel(tile.image, y, x) : y_.pixel(tile.image, y / 2, x / 2);
      output.rows = clip(tile.rows, rows - tile.y);
      output.columns = clip(tile.columns, columns - tile.x);
      const float* before = before_ ? before_->pixel(tile.image, tile.y, tile.x) : nullptr;
      const float* after = after_ ? after_->pixel(tile.image, tile.y, tile.x) : nullptr;
      for (std::int64_t n = 0; n < panels; ++n) {
        const std::int64_t channel = first_channel + n * kPanel;
        const std::int64_t weights = (panel + n) * kPanel;
        output.in = products + n * kPanel;
        output.out = out + channel;
        output.channels = std::min(y_.shape.c - channel, kPanel);
        output.epilogue.bias = at(conv_.bias(), weights);
        output.epilogue.scale = at(conv_.scale(), weights);
        output.epilogue.shift = at(conv_.shift(), weights);
        output.epilogue.before = at(before, channel);
        output.epilogue.after = at(after, channel);
        transform(output);
      }
      products += group_ * kPanel;
    }
  }

  ConstView x_;
  const PackedConv2d& conv_;
  const Conv2dParams& p_;
  std::int64_t padding_top_;
  std::int64_t padding_left_;
  View y_;
  std::int64_t pooling_;  // pixels of the result for one of y, along each axis
  Subpixels subpixels_;
  std::optional<ConstView> before_;
  std::optional<ConstView> after_;
  const GemmKernels& gemm_;
  WinogradTile tile_;
  WinogradProducts products_;
  std::array<std::int64_t, 4> part_offsets_{};  // of a part's channels in a transformed tile
  const WinogradKernels& kernels_;
  const WinogradTransforms& transforms_;

  std::int64_t rows_ = 0;  // of the result, before pooling, in blocks of sub-pixels
  std::int64_t columns_ = 0;
  std::int64_t subpixel_panels_ = 0;
  std::int64_t depth_ = 0;
  std::int64_t channels_ = 0;       // depth, rounded up to whole vectors
  std::int64_t tile_channels_ = 0;  // of all parts
  std::int64_t tiles_h_ = 0;        // of one phase
  std::int64_t tiles_w_ = 0;
  std::int64_t tiles_ = 0;
  std::int64_t blocks_ = 0;
  std::int64_t block_ = 0;          // tiles in the largest
  std::int64_t group_ = 0;          // panels whose products are computed before any is transformed
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
