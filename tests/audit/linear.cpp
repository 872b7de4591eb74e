#include "hewn/ops/linear/linear.h"

#include "hewn/runtime/dtype.h"
#include "hewn/runtime/error.h"

#include "tests/audit/op_runner.h"

namespace hewn::audit {

namespace {

PackedLinear read_layer(const AuditCase& which) {
  const std::vector<float> weight = which.values("weight");
  const std::vector<float> bias = which.values_or_none("bias");
  LinearWeights weights{.shape = which.shape("weight"), .weight = weight, .bias = bias};
  std::vector<std::uint16_t> halves;
  if (which.flag("halves")) {
    for (const float value : weight) halves.push_back(float_to_half(value));
    weights.weight = {};
    weights.halves = halves;
  }
  return {text_of("case ", which.id()), weights, which.activation()};
}

}  // namespace

void run_linear(const AuditCase& which, AuditResults& results, Context& ctx) {
  const PackedLinear layer = read_layer(which);
  const Tensor x = which.tensor("x");
  const AuditAddends addends(which);
  Tensor y({1, 1, x.shape().w, layer.out_features()});
  linear(x.view(), addends.views(), layer, y.view(), ctx);
  results.add(which, "y", {y.shape().w, y.shape().c}, y.values());
}

}  // namespace hewn::audit
