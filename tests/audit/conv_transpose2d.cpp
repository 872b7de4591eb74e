#include "hewn/ops/conv_transpose2d/conv_transpose2d.h"

#include "hewn/runtime/error.h"

#include "tests/audit/op_runner.h"

namespace hewn::audit {

void run_conv_transpose2d(const AuditCase& which, AuditResults& results, Context& ctx) {
  const auto [stride_h, stride_w] = which.integer_pair("stride");
  const auto [padding_h, padding_w] = which.integer_pair("padding");
  const auto [output_padding_h, output_padding_w] = which.integer_pair("output_padding");
  const auto [dilation_h, dilation_w] = which.integer_pair("dilation");
  const std::vector<float> weight = which.values("weight");
  const std::vector<float> bias = which.values_or_none("bias");
  const PackedConvTranspose2d conv(
      text_of("case ", which.id()),
      {.stride_h = stride_h,
       .stride_w = stride_w,
       .padding_h = padding_h,
       .padding_w = padding_w,
       .output_padding_h = output_padding_h,
       .output_padding_w = output_padding_w,
       .dilation_h = dilation_h,
       .dilation_w = dilation_w,
       .groups = which.integer("groups"),
       .activation = which.activation()},
      {.shape = which.shape("weight"), .weight = weight, .bias = bias});
  const Tensor x = which.tensor("x");
  Tensor y(conv.output_shape(x.shape()));
  // Phases of 3×3 taps run by Winograd unless told otherwise, which conv2d's cases are for.
  Context precise({.threads = ctx.threads(), .isa = ctx.isa(), .precise = true});
  conv_transpose2d(x.view(), conv, y.view(), precise);
  results.add_nchw(which, "y", y.view());
}

}  // namespace hewn::audit
