#include "hewn/ops/conv2d/algorithm.h"
#include "hewn/ops/conv2d/winograd.h"
#include "hewn/ops/conv_transpose2d/conv_transpose2d.h"
#include "hewn/ops/gemm/gemm.h"
#include "hewn/runtime/error.h"

#include <algorithm>
#include <bit>
#include <iterator>
#include <numeric>
#include <span>
#include <utility>

namespace hewn {

namespace {

/// Along one axis, the taps that the outputs y ≡ phase (mod stride) see. Tap k contributes input i
/// to the output i·stride − padding + k·dilation, so output stride·j + phase sees, through tap k,
/// the input j + (phase + padding − k·dilation) / stride wherever that is an integer. Such taps are
/// stride / gcd apart, and their inputs dilation / gcd.
struct AxisTaps {
  std::vector<std::int64_t> taps;  // in the order of their inputs
  std::int64_t dilation;
  std::int64_t padding = 0;  // before the first output of the phase

  AxisTaps(std::int64_t phase, std::int64_t kernel, std::int64_t stride, std::int64_t out_padding,
           std::int64_t tap_dilation)
      : dilation(tap_dilation / std::gcd(stride, tap_dilation)) {
    for (std::int64_t tap = kernel - 1; tap >= 0; --tap) {
      const std::int64_t offset = phase + out_padding - tap * tap_dilation;
      if (offset % stride != 0) continue;
      if (taps.empty()) padding = -offset / stride;
      taps.push_back(tap);
    }
  }
};

/// There are stride_h × stride_w phases, each with weights of its own.
constexpr std::int64_t kMaxStride = 64;

void check_params(const std::string& name, const ConvTranspose2dParams& p) {
  const auto in_range = [&](const char* what, std::int64_t value, std::int64_t least,
                            std::int64_t most) {
    require(value >= least && value <= most, "conv_transpose2d ", name, ": ", what, ": expected ",
            least, " to ", most, ", got ", value);
  };
  constexpr std::int64_t kAny = INT32_MAX;
  in_range("stride_h", p.stride_h, 1, kMaxStride);
  in_range("stride_w", p.stride_w, 1, kMaxStride);
  in_range("padding_h", p.padding_h, 0, kAny);
  in_range("padding_w", p.padding_w, 0, kAny);
  in_range("dilation_h", p.dilation_h, 1, kAny);
  in_range("dilation_w", p.dilation_w, 1, kAny);
  in_range("output_padding_h", p.output_padding_h, 0, std::max(p.stride_h, p.dilation_h) - 1);
  in_range("output_padding_w", p.output_padding_w, 0, std::max(p.stride_w, p.dilation_w) - 1);
  in_range("groups", p.groups, 1, kAny);
}

void check_size(const std::string& name, const char* what, std::span<const float> values,
                std::int64_t expected) {
  require(values.size() == static_cast<std::size_t>(expected), "conv_transpose2d ", name, ": ",
          what, ": expected ", expected, " values, got ", values.size());
}

/// The weights [out][in / groups][h][w] of one phase. A phase without taps is one tap of zero: its
/// outputs are those of an empty sum.
PackedConv2d pack_phase(const std::string& name, const ConvTranspose2dParams& p,
                        const Conv2dWeights& weights, const AxisTaps& rows,
                        const AxisTaps& columns) {
  const Shape& from = weights.shape;  // in, out / groups, kernel_h, kernel_w
  const std::int64_t group_in = from[0] / p.groups;
  const std::int64_t group_out = from[1];
  const auto kernel_h = std::ssize(rows.taps);
  const auto kernel_w = std::ssize(columns.taps);
  const bool empty = kernel_h == 0 || kernel_w == 0;
  const Shape shape{p.groups * group_out, group_in, empty ? 1 : kernel_h, empty ? 1 : kernel_w};
  std::vector<float> packed(static_cast<std::size_t>(shape.count()));
  if (!empty) {
    float* to = packed.data();
    for (std::int64_t out = 0; out < shape[0]; ++out) {
      for (std::int64_t k = 0; k < group_in; ++k) {
        const std::int64_t in = out / group_out * group_in + k;
        const float* kernel =
            weights.weight.data() + (in * group_out + out % group_out) * from[2] * from[3];
        for (const std::int64_t row : rows.taps) {
          for (const std::int64_t column : columns.taps) *to++ = kernel[row * from[3] + column];
        }
      }
    }
  }
  return {name,
          {.dilation_h = rows.dilation,
           .dilation_w = columns.dilation,
           .groups = p.groups,
           .activation = p.activation,
           .packing = p.packing},
          {.shape = shape,
           .weight = packed,
           .bias = weights.bias,
           .scale = weights.scale,
           .shift = weights.shift}};
}

/// The phases of one axis, and the window of inputs that all of them see.
struct Axis {
  std::vector<AxisTaps> phases;
  std::int64_t padding = INT64_MIN;  // before the window of the first outputs
  std::int64_t size = 0;             // inputs in the window

  Axis(std::int64_t kernel, std::int64_t stride, std::int64_t out_padding, std::int64_t dilation) {
    std::int64_t last = INT64_MIN;
    for (std::int64_t phase = 0; phase < stride; ++phase) {
      const AxisTaps& taps = phases.emplace_back(phase, kernel, stride, out_padding, dilation);
      if (taps.taps.empty()) continue;
      padding = std::max(padding, taps.padding);
      last = std::max(last, (std::ssize(taps.taps) - 1) * taps.dilation - taps.padding);
    }
    size = last + padding + 1;
  }

  /// The place in the window of a phase's tap.
  std::int64_t place(const AxisTaps& phase, std::size_t tap) const {
    return padding - phase.padding + static_cast<std::int64_t>(tap) * phase.dilation;
  }

  /// Winograd's points, as bits, at which the phase's taps are not zero: the polynomial of the taps
  /// is zero at 0 without its first coefficient, and at ∞ without its last.
  std::uint64_t points(const AxisTaps& phase, int count) const {
    if (phase.taps.empty()) return 0;
    const std::uint64_t all = (std::uint64_t{1} << count) - 1;
    const bool first = place(phase, 0) == 0;
    const bool last = place(phase, phase.taps.size() - 1) == size - 1 && size == kTaps;
    return all & ~(first ? 0 : std::uint64_t{1}) & ~(last ? 0 : std::uint64_t{1} << (count - 1));
  }

  static constexpr std::int64_t kTaps = 3;
};

constexpr auto kMergedAlgorithm = Conv2dAlgorithm::winograd_4x4_3x3;

/// For each phase, the products of a tile.
std::vector<std::uint64_t> needed_products(const Axis& rows, const Axis& columns) {
  const WinogradTile tile = winograd_tile(kMergedAlgorithm);
  std::vector<std::uint64_t> needed;
  for (const AxisTaps& row : rows.phases) {
    const std::uint64_t row_points = rows.points(row, tile.points_h());
    for (const AxisTaps& column : columns.phases) {
      const std::uint64_t column_points = columns.points(column, tile.points_w());
      std::uint64_t& products = needed.emplace_back(0);
      for (int y = 0; y < tile.points_h(); ++y) {
        if ((row_points >> y & 1) != 0) products |= column_points << (y * tile.points_w());
      }
    }
  }
  return needed;
}

/// Whether Winograd's algorithm can compute all phases together, and has few enough products.
bool merging_pays(const ConvTranspose2dParams& p, const Shape& weights, const Axis& rows,
                  const Axis& columns) {
  if (p.groups != 1 || weights[0] < kEnoughInputChannels || rows.size > Axis::kTaps ||
      columns.size > Axis::kTaps) {
    return false;
  }
  std::int64_t products = 0;
  for (const std::uint64_t phase : needed_products(rows, columns)) products += std::popcount(phase);
  const WinogradTile tile = winograd_tile(kMergedAlgorithm);
  const std::int64_t direct = tile.outputs_h * tile.outputs_w * weights[2] * weights[3];
  return 3 * products <= 2 * direct;
}

PackedConvTranspose2d::Merged merge(const std::string& name, const ConvTranspose2dParams& p,
                                    const Conv2dWeights& weights, const Axis& rows,
                                    const Axis& columns) {
  const Shape& from = weights.shape;                        // in, out, kernel_h, kernel_w
  const std::int64_t channels = round_up(from[1], kPanel);  // of a phase
  const auto phases = std::ssize(rows.phases) * std::ssize(columns.phases);
  const Shape shape{phases * channels, from[0], Axis::kTaps, Axis::kTaps};
  std::vector<float> merged(static_cast<std::size_t>(shape.count()));
  std::int64_t block = 0;
  for (const AxisTaps& row : rows.phases) {
    for (const AxisTaps& column : columns.phases) {
      for (std::int64_t out = 0; out < from[1]; ++out) {
        for (std::int64_t in = 0; in < from[0]; ++in) {
          const float* kernel = weights.weight.data() + (in * from[1] + out) * from[2] * from[3];
          float* to = merged.data() + ((block + out) * from[0] + in) * Axis::kTaps * Axis::kTaps;
          for (std::size_t y = 0; y < row.taps.size(); ++y) {
            for (std::size_t x = 0; x < column.taps.size(); ++x) {
              to[rows.place(row, y) * Axis::kTaps + columns.place(column, x)] =
                  kernel[row.taps[y] * from[3] + column.taps[x]];
            }
          }
        }
      }
      block += channels;
    }
  }
  const auto repeat = [&](std::span<const float> values) {
    std::vector<float> repeated(values.empty() ? 0 : static_cast<std::size_t>(shape[0]));
    for (std::int64_t i = 0; !values.empty() && i < phases; ++i) {
      std::ranges::copy(values, repeated.begin() + i * channels);
    }
    return repeated;
  };
  const std::vector<float> bias = repeat(weights.bias);
  const std::vector<float> scale = repeat(weights.scale);
  const std::vector<float> shift = repeat(weights.shift);
  return {.padding_top = rows.padding,
          .padding_left = columns.padding,
          .conv = PackedConv2d(name,
                               {.activation = p.activation,
                                .algorithm = kMergedAlgorithm,
                                .packing = Conv2dPacking::fast},
                               {shape, merged, bias, scale, shift}),
          .products = needed_products(rows, columns)};
}

}  // namespace

PackedConvTranspose2d::PackedConvTranspose2d(std::string name, const ConvTranspose2dParams& params,
                                             const Conv2dWeights& weights)
    : name_(std::move(name)), params_(params) {
  check_params(name_, params_);
  const Shape& shape = weights.shape;
  require(shape.rank() == 4 && shape.count() > 0, "conv_transpose2d ", name_,
          ": weight: expected rank 4 (in, out / groups, h, w) and no empty side, got shape ",
          shape);
  require(shape[0] % params_.groups == 0, "conv_transpose2d ", name_, ": ", shape[0],
          " input channels do not divide into ", params_.groups, " groups");
  check_size(name_, "weight", weights.weight, shape.count());
  in_channels_ = shape[0];
  out_channels_ = checked_multiply(shape[1], params_.groups, "output channels");
  kernel_h_ = shape[2];
  kernel_w_ = shape[3];
  if (!weights.bias.empty()) check_size(name_, "bias", weights.bias, out_channels_);
  if (!weights.scale.empty() || !weights.shift.empty()) {
    check_size(name_, "scale", weights.scale, out_channels_);
    check_size(name_, "shift", weights.shift, out_channels_);
  }
  const Axis rows(kernel_h_, params_.stride_h, params_.padding_h, params_.dilation_h);
  const Axis columns(kernel_w_, params_.stride_w, params_.padding_w, params_.dilation_w);
  if (params_.packing != Conv2dPacking::precise && merging_pays(params_, shape, rows, columns)) {
    merged_ = merge(name_, params_, weights, rows, columns);
    if (params_.packing == Conv2dPacking::fast) return;
  }
  for (std::int64_t row = 0; row < params_.stride_h; ++row) {
    for (std::int64_t column = 0; column < params_.stride_w; ++column) {
      const AxisTaps& row_taps = rows.phases[static_cast<std::size_t>(row)];
      const AxisTaps& column_taps = columns.phases[static_cast<std::size_t>(column)];
      phases_.push_back({.row = row,
                         .column = column,
                         .padding_top = row_taps.padding,
                         .padding_left = column_taps.padding,
                         .conv = pack_phase(name_, params_, weights, row_taps, column_taps)});
    }
  }
}

}  // namespace hewn
