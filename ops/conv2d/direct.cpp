// The work is cut into strips: neighbouring tiles of one output row. For a strip, panels of weights
// are the outer loop and tiles the inner one, so a panel comes from beyond L2 once a strip, and the
// rows that the strip reads stay in L2. Tiles whose taps all lie inside the picture read it in
// place. The others, at the border, are first copied with their padding into a patch, so that the
// kernel knows no border at all.
#include "hewn/ops/conv2d/direct.h"

#include "hewn/ops/gemm/gemm.h"
#include "hewn/runtime/isa/kernels.h"
#include "hewn/runtime/parallel.h"

#include <algorithm>
#include <span>

namespace hewn {

namespace {

/// The input rows that a strip reads take this part of L2, if a strip has no more tiles than that.
constexpr std::int64_t kShareOfL2 = 3;
constexpr std::int64_t kMaxTilesPerStrip = 16;

class DirectConv2d {
 public:
  DirectConv2d(const Conv2dCall& call, Context& ctx)
      : x_(call.x),
        conv_(call.conv),
        p_(call.conv.params()),
        padding_top_(call.padding_top),
        padding_left_(call.padding_left),
        y_(call.y),
        before_(call.before),
        after_(call.after),
        kernels_(select_kernels<GemmKernels>(ctx.isa())) {
    const bool pointwise = is_pointwise();
    if (pointwise) flatten();
    plan_taps(ctx.arena());
    plan_strips(ctx);
    if (!pointwise) {
      const std::int64_t patches = ctx.threads() * tiles_per_strip_;
      patches_ = ctx.arena().allocate<float>(checked_multiply(patches, patch_size())).data();
    }
  }

  void run(Context& ctx) {
    parallel_for(ctx, units_, 1, [this](std::int64_t begin, std::int64_t end, int worker) {
      for (std::int64_t i = begin; i < end; ++i) run_unit(i, worker);
    });
  }

 private:
  /// Where a tile reads: in the input itself or in its patch.
  struct TileInput {
    const float* in;
    const std::int64_t* tap_offsets;
    std::int64_t pixel_stride;
    std::int64_t begin;  // first output column
    std::int64_t end;
  };

  bool is_pointwise() const {
    return conv_.kernel_h() == 1 && conv_.kernel_w() == 1 && p_.stride_h == 1 && p_.stride_w == 1 &&
           padding_top_ == 0 && padding_left_ == 0 && x_.shape.h == y_.shape.h &&
           x_.shape.w == y_.shape.w && x_.gapless() && y_.gapless() &&
           (!before_ || before_->gapless()) && (!after_ || after_->gapless());
  }

  /// A 1×1 convolution sees no neighbours: all pixels of the batch are one row.
  void flatten() {
    const std::int64_t pixels = y_.shape.pixels();
    x_.shape = {1, 1, pixels, x_.shape.c};
    y_.shape = {1, 1, pixels, y_.shape.c};
  }

  /// Taps of a kernel row that are contiguous in memory become one tap of that much depth.
  void plan_taps(Arena& arena) {
    depth_ = conv_.in_channels() / p_.groups;
    std::int64_t taps_w = conv_.kernel_w();
    if (p_.groups == 1 && x_.pixel_stride == x_.shape.c && p_.dilation_w == 1) {
      depth_ *= taps_w;
      taps_w = 1;
    }
    patch_columns_ =
        (kernels_.max_pixels - 1) * p_.stride_w + (conv_.kernel_w() - 1) * p_.dilation_w + 1;
    taps_ = conv_.kernel_h() * taps_w;
    offsets_in_place_ = arena.allocate<std::int64_t>(taps_);
    offsets_in_patch_ = arena.allocate<std::int64_t>(taps_);
    for (std::int64_t tap = 0; tap < taps_; ++tap) {
      const std::int64_t ky = tap / taps_w;
      const std::int64_t dx = tap % taps_w * p_.dilation_w;
      const auto at = static_cast<std::size_t>(tap);
      offsets_in_place_[at] = ky * p_.dilation_h * x_.row_stride + dx * x_.pixel_stride;
      offsets_in_patch_[at] = (ky * patch_columns_ + dx) * group_in();
    }
  }

  /// Splits every row into strips of tiles and, where there are too few strips to go round, the
  /// panels too.
  void plan_strips(const Context& ctx) {
    const std::int64_t tile_bytes = conv_.kernel_h() * kernels_.max_pixels * p_.stride_w *
                                    x_.pixel_stride * static_cast<std::int64_t>(sizeof(float));
    tiles_per_strip_ =
        std::clamp<std::int64_t>(ctx.l2_bytes() / kShareOfL2 / tile_bytes, 1, kMaxTilesPerStrip);
    tiles_per_row_ = divide_up(y_.shape.w, kernels_.max_pixels);
    strips_per_row_ = divide_up(tiles_per_row_, tiles_per_strip_);
    const std::int64_t strips = p_.groups * y_.shape.n * y_.shape.h * strips_per_row_;
    panel_steps_ = divide_up(conv_.panels_per_group(), kernels_.max_panels);
    const std::int64_t wanted = ctx.threads() == 1 ? 1 : 4 * ctx.threads();
    panel_splits_ = std::clamp<std::int64_t>(divide_up(wanted, strips), 1, panel_steps_);
    units_ = strips * panel_splits_;
  }

  std::int64_t group_in() const { return conv_.in_channels() / p_.groups; }
  std::int64_t patch_size() const { return conv_.kernel_h() * patch_columns_ * group_in(); }
  /// Tiles of a row differ by one pixel at most: 80 pixels are 7 tiles of 11 or 12, not 6 of 12 and
  /// one of 8.
  std::int64_t tile_begin(std::int64_t tile) const { return tile * y_.shape.w / tiles_per_row_; }

  /// A strip of one output row, and the panels that are computed for it.
  struct Unit {
    std::int64_t group, image, row;
    std::int64_t first_tile, last_tile;
    std::int64_t first_step, last_step;  // in steps of max_panels panels
  };

  Unit unit_at(std::int64_t index) const {
    Unit unit{};
    const std::int64_t split = index % panel_splits_;
    index /= panel_splits_;
    const std::int64_t strip = index % strips_per_row_;
    index /= strips_per_row_;
    unit.row = index % y_.shape.h;
    index /= y_.shape.h;
    unit.image = index % y_.shape.n;
    unit.group = index / y_.shape.n;
    unit.first_tile = strip * tiles_per_row_ / strips_per_row_;
    unit.last_tile = (strip + 1) * tiles_per_row_ / strips_per_row_;
    unit.first_step = split * panel_steps_ / panel_splits_;
    unit.last_step = (split + 1) * panel_steps_ / panel_splits_;
    return unit;
  }

  void run_unit(std::int64_t index, int worker) {
    const Unit unit = unit_at(index);
    const std::int64_t tiles = unit.last_tile - unit.first_tile;
    TileInput inputs[kMaxTilesPerStrip];
    for (std::int64_t i = 0; i < tiles; ++i) {
      float* patch = patches_ + (worker * tiles_per_strip_ + i) * patch_size();
      inputs[i] = tile_input(unit, unit.first_tile + i, patch);
    }
    Prefetch ahead = new_row_of(index + 1, tiles * (unit.last_step - unit.first_step));
    for (std::int64_t step = unit.first_step; step < unit.last_step; ++step) {
      run_panels(unit, step * kernels_.max_panels, {inputs, static_cast<std::size_t>(tiles)},
                 ahead);
    }
  }

  /// Memory that is fetched into L2 a little at a time, behind the arithmetic.
  struct Prefetch {
    const float* next = nullptr;
    const float* end = nullptr;
    std::int64_t step = 0;  // floats

    void advance() {
      constexpr std::int64_t kLine = 16;
      for (const float* stop = std::min(next + step, end); next < stop; next += kLine) {
        __builtin_prefetch(next, /*write=*/0, /*locality=*/2);
      }
    }
  };

  /// The input row that a unit is the first to read: it lies beyond L2, and the tiles' strided
  /// reads are not a pattern that the processor foresees. To be fetched in `steps` steps.
  Prefetch new_row_of(std::int64_t index, std::int64_t steps) const {
    if (index >= units_ || panel_splits_ > 1) return {};
    const Unit unit = unit_at(index);
    const std::int64_t row =
        unit.row * p_.stride_h - padding_top_ + (conv_.kernel_h() - 1) * p_.dilation_h;
    if (row >= x_.shape.h || row < 0) return {};
    const auto column = [&](std::int64_t tile) {
      return std::min(tile_begin(tile) * p_.stride_w, x_.shape.w);
    };
    const float* begin = x_.pixel(unit.image, row, column(unit.first_tile));
    const float* end = x_.pixel(unit.image, row, column(unit.last_tile));
    return {begin, end, divide_up(end - begin, steps)};
  }

  /// All tiles of a strip, for the panels from `panel` on that a tile computes together.
  void run_panels(const Unit& unit, std::int64_t panel, std::span<const TileInput> inputs,
                  Prefetch& ahead) {
    const std::int64_t group_out = y_.shape.c / p_.groups;
    const std::int64_t first = panel * kPanel;  // channel within the group
    const std::int64_t padded = unit.group * conv_.panels_per_group() * kPanel + first;
    const std::int64_t channel = unit.group * group_out + first;
    const std::int64_t panel_stride = taps_ * depth_ * kPanel;
    const auto at = [](const float* values, std::int64_t offset) {
      return values == nullptr ? nullptr : values + offset;
    };
    GemmTile tile{
        .in = nullptr,
        .tap_offsets = nullptr,
        .taps = taps_,
        .depth = depth_,
        .pixel_stride = 0,
        .panels = conv_.panels() + (unit.group * conv_.panels_per_group() + panel) * panel_stride,
        .panel_stride = panel_stride,
        .out = nullptr,
        .out_stride = y_.pixel_stride,
        .pixels = 0,
        .channels = std::min(group_out - first, kernels_.max_panels * kPanel),
        .epilogue = {.bias = at(conv_.bias(), padded),
                     .before_stride = before_ ? before_->pixel_stride : 0,
                     .activation = p_.activation,
                     .scale = at(conv_.scale(), padded),
                     .shift = at(conv_.shift(), padded),
                     .after_stride = after_ ? after_->pixel_stride : 0},
    };
    for (const TileInput& input : inputs) {
      ahead.advance();
      tile.in = input.in;
      tile.tap_offsets = input.tap_offsets;
      tile.pixel_stride = input.pixel_stride;
      tile.pixels = input.end - input.begin;
      tile.out = y_.pixel(unit.image, unit.row, input.begin) + channel;
      if (before_) {
        tile.epilogue.before = before_->pixel(unit.image, unit.row, input.begin) + channel;
      }
      if (after_) {
        tile.epilogue.after = after_->pixel(unit.image, unit.row, input.begin) + channel;
      }
      kernels_.tile(tile);
    }
  }

  TileInput tile_input(const Unit& unit, std::int64_t tile, float* patch) const {
    const std::int64_t begin = tile_begin(tile);
    const std::int64_t end = tile_begin(tile + 1);
    const std::int64_t y0 = unit.row * p_.stride_h - padding_top_;
    const std::int64_t x0 = begin * p_.stride_w - padding_left_;
    const std::int64_t y1 = y0 + (conv_.kernel_h() - 1) * p_.dilation_h;
    const std::int64_t columns =
        (end - 1 - begin) * p_.stride_w + (conv_.kernel_w() - 1) * p_.dilation_w + 1;
    const bool inside = y0 >= 0 && y1 < x_.shape.h && x0 >= 0 && x0 + columns <= x_.shape.w;
    if (inside) {
      return {x_.pixel(unit.image, y0, x0) + unit.group * group_in(), offsets_in_place_.data(),
              p_.stride_w * x_.pixel_stride, begin, end};
    }
    for (std::int64_t ky = 0; ky < conv_.kernel_h(); ++ky) {
      copy_padded_row(unit, y0 + ky * p_.dilation_h, x0, columns,
                      patch + ky * patch_columns_ * group_in());
    }
    return {patch, offsets_in_patch_.data(), p_.stride_w * group_in(), begin, end};
  }

  /// Copies columns [x0, x0 + columns) of input row `iy`, zero where they lie outside of the
  /// picture.
  void copy_padded_row(const Unit& unit, std::int64_t iy, std::int64_t x0, std::int64_t columns,
                       float* to) const {
    const std::int64_t depth = group_in();
    const bool row_inside = iy >= 0 && iy < x_.shape.h;
    const std::int64_t begin = row_inside ? std::clamp<std::int64_t>(-x0, 0, columns) : columns;
    const std::int64_t end =
        row_inside ? std::clamp<std::int64_t>(x_.shape.w - x0, begin, columns) : columns;
    std::fill_n(to, begin * depth, 0.0F);
    for (std::int64_t i = begin; i < end; ++i) {
      std::copy_n(x_.pixel(unit.image, iy, x0 + i) + unit.group * depth, depth, to + i * depth);
    }
    std::fill_n(to + end * depth, (columns - end) * depth, 0.0F);
  }

  ConstView x_;
  const PackedConv2d& conv_;
  const Conv2dParams& p_;
  std::int64_t padding_top_;
  std::int64_t padding_left_;
  View y_;
  std::optional<ConstView> before_;
  std::optional<ConstView> after_;
  const GemmKernels& kernels_;

  std::int64_t depth_ = 0;
  std::int64_t taps_ = 0;
  std::int64_t patch_columns_ = 0;
  std::span<std::int64_t> offsets_in_place_;
  std::span<std::int64_t> offsets_in_patch_;
  std::int64_t tiles_per_strip_ = 0;
  std::int64_t tiles_per_row_ = 0;
  std::int64_t strips_per_row_ = 0;
  std::int64_t panel_steps_ = 0;
  std::int64_t panel_splits_ = 0;
  std::int64_t units_ = 0;
  float* patches_ = nullptr;
};

}  // namespace

void conv2d_direct(const Conv2dCall& call, Context& ctx) {
  const Arena::Scope scope(ctx.arena());
  DirectConv2d(call, ctx).run(ctx);
}

}  // namespace hewn
