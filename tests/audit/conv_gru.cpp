#include "hewn/ops/gru/conv_gru.h"

#include "hewn/runtime/error.h"

#include <optional>

#include "tests/audit/op_runner.h"

namespace hewn::audit {

namespace {

PackedConvGru read_unit(const AuditCase& which) {
  const std::vector<float> z = which.values("weight_z");
  const std::vector<float> r = which.values("weight_r");
  const std::vector<float> q = which.values("weight_q");
  const std::vector<float> bias_z = which.values("bias_z");
  const std::vector<float> bias_r = which.values("bias_r");
  const std::vector<float> bias_q = which.values("bias_q");
  return {text_of("case ", which.id()),
          {.shape = which.shape("weight_z"), .z = {z, bias_z}, .r = {r, bias_r}, .q = {q, bias_q}},
          which.integer("constants")};
}

void run(const AuditCase& which, AuditResults& results, Context& ctx) {
  const PackedConvGru unit = read_unit(which);
  const Tensor x = which.tensor("x");
  const std::int64_t varying = unit.constants();  // the first input that is not constant
  Nhwc shape = x.shape();
  shape.c = unit.state_channels();
  Tensor state(shape);
  const View h = state.view().channels(0, unit.hidden());
  copy(which.tensor("h").view(), h);
  copy(x.view().channels(varying, x.shape().c),
       state.view().channels(unit.hidden(), unit.hidden() + unit.inputs()));

  shape.c = 3 * unit.hidden();
  Tensor constant_part(shape);
  std::optional<ConstView> constants;
  if (unit.constants() > 0) {
    conv_gru_constants(x.view().channels(0, varying), unit, constant_part.view(), ctx);
    constants = constant_part.view();
  }
  conv_gru(state.view(), constants, unit, ctx);
  results.add_nchw(which, "y", h);
}

}  // namespace

void run_conv_gru(const AuditCase& which, AuditResults& results, Context& ctx) {
  const std::string algorithm = which.text("algorithm");
  require(algorithm == "auto" || algorithm == "direct", "case ", which.id(),
          ": algorithm: expected auto or direct, got '", algorithm, "'");
  Context context({.threads = ctx.threads(), .isa = ctx.isa(), .precise = algorithm == "direct"});
  run(which, results, context);
}

}  // namespace hewn::audit
