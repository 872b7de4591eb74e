#include "hewn/ops/instance_norm/instance_norm.h"

#include "tests/audit/op_runner.h"

namespace hewn::audit {

void run_instance_norm(const AuditCase& which, AuditResults& results, Context& ctx) {
  const Tensor x = which.tensor("x");
  const AuditAddends addends(which);
  Tensor y(x.shape());
  instance_norm(x.view(), y.view(), ctx,
                {.eps = static_cast<float>(which.number("eps")), .activation = which.activation()},
                addends.views());
  results.add_nchw(which, "y", y.view());
}

}  // namespace hewn::audit
