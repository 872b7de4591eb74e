// Two-dimensional convolution, as torch.nn.functional.conv2d, with what follows it fused in.
#pragma once

#include "hewn/ops/activation/activation.h"
#include "hewn/runtime/context.h"
#include "hewn/runtime/tensor.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace hewn {

/// How a convolution is computed. F(m, r) is Winograd's minimal filtering: m outputs of r taps from
/// m + r − 1 products.
enum class Conv2dAlgorithm {
  direct,            ///< every product; any convolution
  winograd_4x4_3x3,  ///< F(4×4, 3×3): 2.25 products for 9
  winograd_2x2_3x3,  ///< F(2×2, 3×3): 4 products for 9
  winograd_3x3s2,    ///< F(4×4, 2×2) on the parts of a 3×3 with stride 2: 5.06 products for 9
  winograd_1x4_1x5,  ///< F(4, 5) along rows: 2 products for 5
  winograd_4x1_5x1,  ///< F(4, 5) along columns
};

/// The name as in the enumeration.
std::string_view conv2d_algorithm_name(Conv2dAlgorithm algorithm);

/// For which Contexts a convolution keeps weights. Those of Winograd's algorithms are four times as
/// large as the direct one's.
enum class Conv2dPacking {
  any,      ///< for all
  fast,     ///< those that are not precise
  precise,  ///< those that are; others run the direct algorithm too
};

/// The parameters of torch.nn.functional.conv2d, and what follows it.
struct Conv2dParams {
  std::int64_t stride_h = 1, stride_w = 1;      ///< ≥ 1
  std::int64_t padding_h = 0, padding_w = 0;    ///< ≥ 0; zeros, on both sides
  std::int64_t dilation_h = 1, dilation_w = 1;  ///< ≥ 1
  std::int64_t groups = 1;  ///< ≥ 1; divides the input and the output channels
  Activation activation = {};
  /// Chosen by the shape of the weights when empty; see conv2d().
  std::optional<Conv2dAlgorithm> algorithm = std::nullopt;
  Conv2dPacking packing = Conv2dPacking::any;
};

/// Weights as PyTorch stores them: contiguous, [out][in / groups][kernel_h][kernel_w].
struct Conv2dWeights {
  Shape shape;  ///< of rank 4
  std::span<const float> weight;
  std::span<const float> bias = {};  ///< empty, or one value for each output channel
  std::span<const float> scale =
      {};  ///< empty, or one value for each output channel, applied after the activation
  std::span<const float> shift = {};  ///< empty exactly when scale is
};

/// Weights and parameters of one convolution, packed once, when a model loads, in the order in
/// which the kernels read them. The packing is the same for every instruction set. Immutable:
/// threads may share one.
class PackedConv2d {
 public:
  /// `name` appears in errors and profiles. Throws Error when a parameter is out of range, the
  /// algorithm asked for cannot compute this convolution, or a span does not have the size that the
  /// shape asks for. The spans may go away afterwards.
  PackedConv2d(std::string name, const Conv2dParams& params, const Conv2dWeights& weights);

  const std::string& name() const { return name_; }       ///< for errors and profiles
  const Conv2dParams& params() const { return params_; }  ///< as given
  /// What conv2d() runs unless ctx.precise().
  Conv2dAlgorithm algorithm() const { return algorithm_; }
  std::int64_t in_channels() const { return in_channels_; }    ///< of the input, all groups
  std::int64_t out_channels() const { return out_channels_; }  ///< of the result
  std::int64_t kernel_h() const { return kernel_h_; }          ///< rows of taps
  std::int64_t kernel_w() const { return kernel_w_; }          ///< columns of taps

  /// The shape of the result for an input of shape `x`: each side is
  /// ⌊(side + 2·padding − dilation·(kernel − 1) − 1) / stride⌋ + 1. Throws Error when the channels
  /// do not match or the padded input is smaller than the kernel.
  Nhwc output_shape(const Nhwc& x) const;

  /// Panels of 16 output channels: [group][panel][kernel_h][kernel_w][in / groups][16], padded with
  /// zeros. Null where only Winograd's weights are kept.
  const float* panels() const { return panels_.view().data; }
  /// How many panels a group has: its output channels over 16, rounded up.
  std::int64_t panels_per_group() const { return panels_per_group_; }
  /// Winograd's transformed weights, or null where algorithm() is direct: see winograd.h.
  const float* winograd() const { return winograd_.view().data; }
  /// The bias of each channel, in the order and with the padding of the panels; null when absent.
  const float* bias() const { return bias_.view().data; }
  /// The scale after the activation, as bias().
  const float* scale() const { return scale_.view().data; }
  /// The shift after the scale, as bias().
  const float* shift() const { return shift_.view().data; }

 private:
  void pack_panels(const Conv2dWeights& weights);
  Tensor pack_channels(std::span<const float> values) const;

  std::string name_;
  Conv2dParams params_;
  Conv2dAlgorithm algorithm_ = Conv2dAlgorithm::direct;
  std::int64_t in_channels_ = 0;
  std::int64_t out_channels_ = 0;
  std::int64_t kernel_h_ = 0;
  std::int64_t kernel_w_ = 0;
  std::int64_t panels_per_group_ = 0;
  Tensor panels_;
  Tensor winograd_;
  Tensor bias_;
  Tensor scale_;
  Tensor shift_;
};

/// y = activation(x ⋆ weight + bias + before) × scale + shift + after.
///
/// x: [n, h, w, in], y and the addends: conv.output_shape(x). Throws Error when a shape is wrong. y
/// must not overlap x; an addend may be y itself. Throws Error when ctx.precise() but the weights
/// are packed for fast Contexts. The bits depend on neither threads nor instruction set.
///
/// Unless params.algorithm names one, the first that applies runs, by the shape of the weights
/// alone; ctx.precise() pins the last:
/// - Winograd, for one group, 16 input channels or more and any padding: with stride 1 and any
///   dilation F(4×4, 3×3) for 3×3, F(4, 5) for 1×5 and 5×1; with stride 2 and no dilation
///   F(4×4, 2×2) for 3×3; at two to five times the rounding error (README.md).
/// - Direct: for each output the products over (kernel_h, kernel_w, in), in this order and in runs
///   of 128, each run one chain of fused multiply-adds, the runs added to the bias.
void conv2d(ConstView x, const Addends& addends, const PackedConv2d& conv, View y, Context& ctx);

/// The same without addends.
inline void conv2d(ConstView x, const PackedConv2d& conv, View y, Context& ctx) {
  conv2d(x, {}, conv, y, ctx);
}

/// x = conv(x) for a convolution with stride 1 that keeps its input's shape, a few rows at a time,
/// so that there is no second map. Otherwise as conv2d(), with its bits; throws Error also where
/// the shape would change.
void conv2d_in_place(View x, const PackedConv2d& conv, Context& ctx);

/// y = max_pool2d(conv(x), kernel 2, stride 2), without a map of the size of conv(x) where the
/// algorithm allows. y: [n, ⌊h/2⌋, ⌊w/2⌋, out] of conv.output_shape(x). The bits are those of
/// conv2d() followed by max_pool2d(). Throws Error when a shape is wrong, or the pooled result
/// would be empty. y must not overlap x.
void conv2d_max_pool(ConstView x, const PackedConv2d& conv, View y, Context& ctx);

}  // namespace hewn
