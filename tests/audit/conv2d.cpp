#include "hewn/ops/conv2d/conv2d.h"

#include "hewn/runtime/error.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "tests/audit/op_runner.h"

namespace hewn::audit {

namespace {

constexpr std::array kWinograd{Conv2dAlgorithm::winograd_4x4_3x3, Conv2dAlgorithm::winograd_2x2_3x3,
                               Conv2dAlgorithm::winograd_3x3s2, Conv2dAlgorithm::winograd_1x4_1x5,
                               Conv2dAlgorithm::winograd_4x1_5x1};

/// None for `auto`, hewn's choice, and for `direct`, which run_conv2d() has a Context pin.
std::optional<Conv2dAlgorithm> read_algorithm(const AuditCase& which) {
  const std::string name = which.text("algorithm");
  if (name == "auto" || name == "direct") return std::nullopt;
  const auto* const found = std::find_if(
      kWinograd.begin(), kWinograd.end(),
      [&](const Conv2dAlgorithm algorithm) { return conv2d_algorithm_name(algorithm) == name; });
  require(found != kWinograd.end(), "case ", which.id(),
          ": algorithm: expected auto, direct or one of Winograd's, got '", printable(name), "'");
  return *found;
}

Conv2dParams read_params(const AuditCase& which) {
  const auto [stride_h, stride_w] = which.integer_pair("stride");
  const auto [padding_h, padding_w] = which.integer_pair("padding");
  const auto [dilation_h, dilation_w] = which.integer_pair("dilation");
  return {.stride_h = stride_h,
          .stride_w = stride_w,
          .padding_h = padding_h,
          .padding_w = padding_w,
          .dilation_h = dilation_h,
          .dilation_w = dilation_w,
          .groups = which.integer("groups"),
          .activation = which.activation(),
          .algorithm = read_algorithm(which)};
}

/// PackedConv2d knows scale and shift together or not at all; a case may have one of them.
std::vector<float> or_neutral(std::vector<float> values, const std::vector<float>& other,
                              float neutral) {
  if (values.empty()) values.assign(other.size(), neutral);
  return values;
}

PackedConv2d read_conv(const AuditCase& which) {
  const std::vector<float> weight = which.values("weight");
  const std::vector<float> bias = which.values_or_none("bias");
  const std::vector<float> given_scale = which.values_or_none("scale");
  const std::vector<float> given_shift = which.values_or_none("shift");
  const std::vector<float> scale = or_neutral(given_scale, given_shift, 1);
  const std::vector<float> shift = or_neutral(given_shift, given_scale, 0);
  return {text_of("case ", which.id()), read_params(which),
          Conv2dWeights{.shape = which.shape("weight"),
                        .weight = weight,
                        .bias = bias,
                        .scale = scale,
                        .shift = shift}};
}

void run(const AuditCase& which, AuditResults& results, Context& ctx) {
  const PackedConv2d conv = read_conv(which);
  const Tensor x = which.tensor("x");
  const AuditAddends addends(which);
  Tensor y(conv.output_shape(x.shape()));
  conv2d(x.view(), addends.views(), conv, y.view(), ctx);
  results.add_nchw(which, "y", y.view());
}

}  // namespace

void run_conv2d(const AuditCase& which, AuditResults& results, Context& ctx) {
  if (which.text("algorithm") == "direct") {  // what `precise` pins
    Context precise({.threads = ctx.threads(), .isa = ctx.isa(), .precise = true});
    run(which, results, precise);
  } else {
    run(which, results, ctx);
  }
}

}  // namespace hewn::audit
