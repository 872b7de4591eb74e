#include "hewn/ops/pool2d/pool2d.h"

#include "tests/audit/op_runner.h"

namespace hewn::audit {

namespace {

Pool2dParams read_params(const AuditCase& which) {
  const auto [kernel_h, kernel_w] = which.integer_pair("kernel");
  const auto [stride_h, stride_w] = which.integer_pair("stride");
  const auto [padding_h, padding_w] = which.integer_pair("padding");
  return {.kernel_h = kernel_h,
          .kernel_w = kernel_w,
          .stride_h = stride_h,
          .stride_w = stride_w,
          .padding_h = padding_h,
          .padding_w = padding_w,
          .ceil_mode = which.flag("ceil_mode"),
          .count_include_pad =
              !which.has_param("count_include_pad") || which.flag("count_include_pad")};
}

void run(const AuditCase& which, AuditResults& results, Context& ctx,
         void (*pool)(ConstView, const Pool2dParams&, View, Context&)) {
  const Pool2dParams params = read_params(which);
  const Tensor x = which.tensor("x");
  Tensor y(pool2d_output_shape(x.shape(), params));
  pool(x.view(), params, y.view(), ctx);
  results.add_nchw(which, "y", y.view());
}

}  // namespace

void run_max_pool2d(const AuditCase& which, AuditResults& results, Context& ctx) {
  run(which, results, ctx, max_pool2d);
}

void run_avg_pool2d(const AuditCase& which, AuditResults& results, Context& ctx) {
  run(which, results, ctx, avg_pool2d);
}

}  // namespace hewn::audit
