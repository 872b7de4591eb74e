#include "hewn/ops/conv2d/algorithm.h"
#include "hewn/ops/conv2d/conv2d.h"
#include "hewn/ops/conv2d/winograd.h"
#include "hewn/ops/gemm/gemm.h"
#include "hewn/runtime/error.h"

#include <algorithm>
#include <utility>

namespace hewn {

namespace {

void check_params(const std::string& name, const Conv2dParams& p) {
  const auto at_least = [&](const char* what, std::int64_t value, std::int64_t least) {
    require(value >= least, "conv2d ", name, ": ", what, ": expected at least ", least, ", got ",
            value);
  };
  at_least("stride_h", p.stride_h, 1);
  at_least("stride_w", p.stride_w, 1);
  at_least("padding_h", p.padding_h, 0);
  at_least("padding_w", p.padding_w, 0);
  at_least("dilation_h", p.dilation_h, 1);
  at_least("dilation_w", p.dilation_w, 1);
  at_least("groups", p.groups, 1);
}

void check_size(const std::string& name, const char* what, std::span<const float> values,
                std::int64_t expected) {
  require(values.size() == static_cast<std::size_t>(expected), "conv2d ", name, ": ", what,
          ": expected ", expected, " values, got ", values.size());
}

std::int64_t output_side(const std::string& name, std::int64_t side, std::int64_t kernel,
                         std::int64_t stride, std::int64_t padding, std::int64_t dilation) {
  const std::int64_t padded = checked_add(side, checked_multiply(2, padding), "padded input");
  const std::int64_t extent = checked_add(checked_multiply(dilation, kernel - 1), 1, "kernel");
  require(padded >= extent, "conv2d ", name, ": a side of ", side, " with padding ", padding,
          " is smaller than the kernel's extent of ", extent);
  return (padded - extent) / stride + 1;
}

}  // namespace

PackedConv2d::PackedConv2d(std::string name, const Conv2dParams& params,
                           const Conv2dWeights& weights)
    : name_(std::move(name)), params_(params) {
  check_params(name_, params_);
  const Shape& shape = weights.shape;
  require(shape.rank() == 4, "conv2d ", name_,
          ": weight: expected rank 4 (out, in / groups, h, w), got shape ", shape);
  out_channels_ = shape[0];
  const std::int64_t depth = shape[1];
  kernel_h_ = shape[2];
  kernel_w_ = shape[3];
  require(shape.count() > 0, "conv2d ", name_,
          ": weight: every size must be at least 1, got shape ", shape);
  const std::int64_t groups = params_.groups;
  require(out_channels_ % groups == 0, "conv2d ", name_, ": ", out_channels_,
          " output channels do not divide into ", groups, " groups");
  in_channels_ = checked_multiply(depth, groups, "input channels");
  check_size(name_, "weight", weights.weight, shape.count());

  algorithm_ = choose_conv2d_algorithm(name_, params_, shape);
  if (params_.packing == Conv2dPacking::precise) algorithm_ = Conv2dAlgorithm::direct;
  const std::int64_t group_out = out_channels_ / groups;
  panels_per_group_ = divide_up(group_out, kPanel);
  if (algorithm_ == Conv2dAlgorithm::direct || params_.packing != Conv2dPacking::fast) {
    pack_panels(weights);
  }
  if (algorithm_ != Conv2dAlgorithm::direct) winograd_ = pack_winograd(weights, algorithm_);

  if (!weights.bias.empty()) check_size(name_, "bias", weights.bias, out_channels_);
  if (!weights.scale.empty() || !weights.shift.empty()) {
    check_size(name_, "scale", weights.scale, out_channels_);
    check_size(name_, "shift", weights.shift, out_channels_);
  }
  bias_ = pack_channels(weights.bias);
  scale_ = pack_channels(weights.scale);
  shift_ = pack_channels(weights.shift);
}

void PackedConv2d::pack_panels(const Conv2dWeights& weights) {
  const std::int64_t depth = in_channels_ / params_.groups;
  const std::int64_t group_out = out_channels_ / params_.groups;
  const std::int64_t taps = kernel_h_ * kernel_w_;
  panels_ = Tensor({params_.groups * panels_per_group_, taps, depth, kPanel});
  fill(panels_.view(), 0);
  for (std::int64_t out = 0; out < out_channels_; ++out) {
    const std::int64_t channel = out % group_out;
    const std::int64_t panel = out / group_out * panels_per_group_ + channel / kPanel;
    for (std::int64_t k = 0; k < depth; ++k) {
      const float* from = weights.weight.data() + (out * depth + k) * taps;
      for (std::int64_t tap = 0; tap < taps; ++tap) {
        panels_.view().pixel(panel, tap, k)[channel % kPanel] = from[tap];
      }
    }
  }
}

Tensor PackedConv2d::pack_channels(std::span<const float> values) const {
  if (values.empty()) return {};
  Tensor packed({1, 1, params_.groups, panels_per_group_ * kPanel});
  fill(packed.view(), 0);
  const std::int64_t group_out = out_channels_ / params_.groups;
  for (std::int64_t group = 0; group < params_.groups; ++group) {
    std::copy_n(values.data() + group * group_out, group_out, packed.view().pixel(0, 0, group));
  }
  return packed;
}

Nhwc PackedConv2d::output_shape(const Nhwc& x) const {
  require(x.c == in_channels_, "conv2d ", name_, ": expected ", in_channels_,
          " input channels, got ", x.c);
  const Conv2dParams& p = params_;
  return {x.n, output_side(name_, x.h, kernel_h_, p.stride_h, p.padding_h, p.dilation_h),
          output_side(name_, x.w, kernel_w_, p.stride_w, p.padding_w, p.dilation_w), out_channels_};
}

}  // namespace hewn
