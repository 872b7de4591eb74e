#include "hewn/ops/linear/linear.h"

#include "hewn/runtime/error.h"

#include "tests/audit/op_runner.h"

namespace hewn::audit {

void run_linear(const AuditCase& which, AuditResults& results, Context& ctx) {
  const std::vector<float> weight = which.values("weight");
  const std::vector<float> bias = which.values_or_none("bias");
  const PackedLinear layer(concat("case ", which.id()),
                           {.shape = which.shape("weight"), .weight = weight, .bias = bias},
                           which.activation());
  const Tensor x = which.tensor("x");
  Tensor y({1, 1, x.shape().w, layer.out_features()});
  linear(x.view(), layer, y.view(), ctx);
  results.add(which, "y", {y.shape().w, y.shape().c}, y.values());
}

}  // namespace hewn::audit
