// Transposed two-dimensional convolution, as torch.nn.functional.conv_transpose2d, with what
// follows it fused in.
#pragma once

#include "hewn/ops/conv2d/conv2d.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace hewn {

/// The parameters of torch.nn.functional.conv_transpose2d, and what follows it.
struct ConvTranspose2dParams {
  std::int64_t stride_h = 1, stride_w = 1;    ///< 1 … 64
  std::int64_t padding_h = 0, padding_w = 0;  ///< ≥ 0; so much is cut off on both sides
  /// ≥ 0 and below the larger of stride and dilation; so much is added below and to the right.
  std::int64_t output_padding_h = 0, output_padding_w = 0;
  std::int64_t dilation_h = 1, dilation_w = 1;  ///< ≥ 1
  std::int64_t groups = 1;  ///< ≥ 1; divides the input and the output channels
  Activation activation = {};
  Conv2dPacking packing = Conv2dPacking::any;
};

/// Weights and parameters of one transposed convolution, packed once, when a model loads. Outputs
/// that are equal modulo the stride see the same taps, so they are an ordinary convolution of the
/// input: a stride of s_h × s_w makes s_h · s_w of them, and none multiplies by the zeros that the
/// definition puts between the input's pixels. Where Winograd's algorithm can compute all of them
/// from one transformed input, they are packed as one convolution too. Immutable: threads may share
/// one.
class PackedConvTranspose2d {
 public:
  /// Weights as PyTorch stores them: contiguous, [in][out / groups][kernel_h][kernel_w]; the other
  /// fields of `weights` as for PackedConv2d. `name` appears in errors and profiles. Throws Error
  /// when a parameter is out of range, or a span does not have the size that the shape asks for.
  /// The spans may go away afterwards.
  PackedConvTranspose2d(std::string name, const ConvTranspose2dParams& params,
                        const Conv2dWeights& weights);

  /// One of the convolutions: it computes the outputs (y, x) with y mod stride_h = row and x mod
  /// stride_w = column.
  struct Phase {
    std::int64_t row, column;
    std::int64_t padding_top, padding_left;  ///< of this phase's first output; may be negative
    PackedConv2d conv;
  };

  /// All phases as one 3×3 convolution whose output channels are theirs in turn, each phase's taps
  /// at their place in the window of inputs that all of them see, and zeros beside them.
  struct Merged {
    std::int64_t padding_top, padding_left;
    PackedConv2d conv;
    std::vector<std::uint64_t> products;  ///< for each phase, as in Subpixels
  };

  const std::string& name() const { return name_; }                ///< for errors and profiles
  const ConvTranspose2dParams& params() const { return params_; }  ///< as given
  /// Empty where only the merged convolution is kept.
  const std::vector<Phase>& phases() const { return phases_; }
  /// Present where it runs in Contexts that are not precise.
  const std::optional<Merged>& merged() const { return merged_; }
  std::int64_t in_channels() const { return in_channels_; }    ///< of the input, all groups
  std::int64_t out_channels() const { return out_channels_; }  ///< of the result
  std::int64_t kernel_h() const { return kernel_h_; }          ///< rows of taps
  std::int64_t kernel_w() const { return kernel_w_; }          ///< columns of taps

  /// The shape of the result for an input of shape `x`: each side is
  /// (side − 1)·stride − 2·padding + dilation·(kernel − 1) + output_padding + 1. Throws Error when
  /// the channels do not match, or a side of x or of the result is below 1.
  Nhwc output_shape(const Nhwc& x) const;

 private:
  std::string name_;
  ConvTranspose2dParams params_;
  std::int64_t in_channels_ = 0;
  std::int64_t out_channels_ = 0;
  std::int64_t kernel_h_ = 0;
  std::int64_t kernel_w_ = 0;
  std::vector<Phase> phases_;
  std::optional<Merged> merged_;
};

/// y = activation(x ⋆ᵀ weight + bias) × scale + shift.
///
/// x: [n, h, w, in], y: conv.output_shape(x). Throws Error when a shape is wrong, or when
/// ctx.precise() but the weights are packed for fast Contexts. y must not overlap x. The bits
/// depend on neither threads nor instruction set.
///
/// Unless ctx.precise(), all phases run together by Winograd's F(4×4, 3×3) where the input has 16
/// channels or more and that saves a third of the products at least: 4×4 taps with a stride of 2
/// need 6.25 products for 16. Else each phase runs by the algorithm that conv2d() would choose.
void conv_transpose2d(ConstView x, const PackedConvTranspose2d& conv, View y, Context& ctx);

}  // namespace hewn
