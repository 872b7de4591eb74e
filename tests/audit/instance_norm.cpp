#include "hewn/ops/instance_norm/instance_norm.h"

#include "tests/audit/op_runner.h"

namespace hewn::audit {

void run_instance_norm(const AuditCase& which, AuditResults& results, Context& ctx) {
  const Tensor x = which.tensor("x");
  const AuditAddends addends(which);
  Tensor y(x.shape());
  instance_norm(x.view(), addends.views(),
                {.eps = static_cast<float>(which.number("eps")), .activation = which.activation()},
                y.view(), ctx);
  results.add_nchw(which, "y", y.view());
}

}  // namespace hewn::audit
