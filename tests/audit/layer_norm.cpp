#include "hewn/ops/layer_norm/layer_norm.h"

#include "tests/audit/op_runner.h"

namespace hewn::audit {

void run_layer_norm(const AuditCase& which, AuditResults& results, Context& ctx) {
  const std::vector<float> weight = which.values("weight");
  const std::vector<float> bias = which.values("bias");
  const Tensor x = which.tensor("x");
  Tensor y(x.shape());
  layer_norm(x.view(),
             {.weight = weight, .bias = bias, .eps = static_cast<float>(which.number("eps"))},
             y.view(), ctx);
  results.add(which, "y", which.shape("x"), y.values());
}

}  // namespace hewn::audit
