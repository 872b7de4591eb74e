#include "hewn/ops/instance_norm/instance_norm.h"

#include "tests/audit/op_runner.h"

namespace hewn::audit {

void run_instance_norm(const AuditCase& which, AuditResults& results, Context& ctx) {
  const Tensor x = which.tensor("x");
  const Tensor before = which.has("before") ? which.tensor("before") : Tensor();
  const Tensor after = which.has("after") ? which.tensor("after") : Tensor();
  Addends addends;
  if (which.has("before")) addends.before = before.view();
  if (which.has("after")) addends.after = after.view();
  Tensor y(x.shape());
  instance_norm(x.view(), y.view(), ctx,
                {.eps = static_cast<float>(which.number("eps")), .activation = which.activation()},
                addends);
  results.add_nchw(which, "y", y.view());
}

}  // namespace hewn::audit
