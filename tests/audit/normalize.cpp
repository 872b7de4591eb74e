#include "hewn/ops/normalize/normalize.h"

#include "tests/audit/op_runner.h"

namespace hewn::audit {

void run_l2_normalize(const AuditCase& which, AuditResults& results, Context& ctx) {
  const Tensor x = which.tensor("x");
  Tensor y(x.shape());
  l2_normalize(x.view(), static_cast<float>(which.number("eps")), y.view(), ctx);
  results.add_nchw(which, "y", y.view());
}

}  // namespace hewn::audit
