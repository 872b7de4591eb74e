#include "hewn/ops/gru/gru.h"

#include "hewn/runtime/error.h"

#include "tests/audit/op_runner.h"

namespace hewn::audit {

namespace {

PackedGru read_gru(const AuditCase& which) {
  const std::vector<float> weight_ih = which.values("weight_ih");
  const std::vector<float> weight_hh = which.values("weight_hh");
  const std::vector<float> bias_ih = which.values_or_none("bias_ih");
  const std::vector<float> bias_hh = which.values_or_none("bias_hh");
  return {text_of("case ", which.id()),
          {.shape_ih = which.shape("weight_ih"),
           .weight_ih = weight_ih,
           .weight_hh = weight_hh,
           .bias_ih = bias_ih,
           .bias_hh = bias_hh}};
}

}  // namespace

void run_gru_cell(const AuditCase& which, AuditResults& results, Context& ctx) {
  const Tensor x = which.tensor("x");
  const Tensor h = which.tensor("h");
  Tensor y(h.shape());
  gru_cell(x.view(), h.view(), read_gru(which), y.view(), ctx);
  results.add(which, "y", which.shape("h"), y.values());
}

void run_gru(const AuditCase& which, AuditResults& results, Context& ctx) {
  const Tensor x = which.tensor("x");
  const Tensor h = which.tensor("h");
  const Nhwc shape{x.shape().n, 1, x.shape().w, h.shape().c};
  Tensor y(shape);
  gru(x.view(), h.view(), read_gru(which), y.view(), ctx);
  results.add(which, "y", {shape.n, shape.w, shape.c}, y.values());
}

}  // namespace hewn::audit
