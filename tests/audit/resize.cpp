#include "hewn/ops/resize/resize.h"

#include "hewn/runtime/error.h"

#include "tests/audit/op_runner.h"

namespace hewn::audit {

namespace {

ResizeParams::Mode read_mode(const AuditCase& which) {
  const std::string mode = which.text("mode");
  if (mode == "nearest") return ResizeParams::Mode::nearest;
  if (mode == "bilinear") return ResizeParams::Mode::bilinear;
  if (mode == "bicubic") return ResizeParams::Mode::bicubic;
  fail("case ", which.id(), ": mode: expected nearest, bilinear or bicubic, got '", mode, "'");
}

}  // namespace

void run_resize(const AuditCase& which, AuditResults& results, Context& ctx) {
  const Tensor x = which.tensor("x");
  ResizeParams params{.mode = read_mode(which), .align_corners = which.flag("align_corners")};
  Nhwc shape = x.shape();
  if (which.has_param("scale")) {
    const auto [scale_h, scale_w] = which.number_pair("scale");
    params.scale_h = scale_h;
    params.scale_w = scale_w;
    shape = resize_output_shape(x.shape(), params);
  } else {
    const auto [h, w] = which.integer_pair("size");
    shape.h = h;
    shape.w = w;
  }
  Tensor y(shape);
  resize(x.view(), params, y.view(), ctx);
  results.add_nchw(which, "y", y.view());
}

}  // namespace hewn::audit
