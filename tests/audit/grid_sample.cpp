#include "hewn/ops/grid_sample/grid_sample.h"

#include "hewn/runtime/error.h"

#include "tests/audit/op_runner.h"

namespace hewn::audit {

namespace {

using Mode = GridSampleParams::Mode;
using Padding = GridSampleParams::Padding;

Mode read_mode(const AuditCase& which) {
  const std::string mode = which.text("mode");
  if (mode == "nearest") return Mode::nearest;
  if (mode == "bilinear") return Mode::bilinear;
  if (mode == "bicubic") return Mode::bicubic;
  fail("case ", which.id(), ": mode: expected nearest, bilinear or bicubic, got '", mode, "'");
}

Padding read_padding(const AuditCase& which) {
  const std::string padding = which.text("padding_mode");
  if (padding == "zeros") return Padding::zeros;
  if (padding == "border") return Padding::border;
  if (padding == "reflection") return Padding::reflection;
  fail("case ", which.id(), ": padding_mode: expected zeros, border or reflection, got '", padding,
       "'");
}

}  // namespace

void run_grid_sample(const AuditCase& which, AuditResults& results, Context& ctx) {
  const Tensor x = which.tensor("x");
  // PyTorch's grid, (N, Ho, Wo, 2), is in the order of ours already.
  std::vector<float> values = which.values("grid");
  const Shape& shape = which.shape("grid");
  require(shape.rank() == 4, "case ", which.id(), ": grid: expected rank 4, got ", shape);
  const View grid(values.data(), {shape[0], shape[1], shape[2], shape[3]});
  Tensor y({x.shape().n, shape[1], shape[2], x.shape().c});
  const GridSampleParams params{.mode = read_mode(which),
                                .padding = read_padding(which),
                                .align_corners = which.flag("align_corners")};
  grid_sample(x.view(), grid, params, y.view(), ctx);
  results.add_nchw(which, "y", y.view());
}

}  // namespace hewn::audit
