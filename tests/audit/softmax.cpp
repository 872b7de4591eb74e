#include "hewn/ops/softmax/softmax.h"

#include "tests/audit/op_runner.h"

namespace hewn::audit {

void run_softmax(const AuditCase& which, AuditResults& results, Context& ctx) {
  const Tensor x = which.tensor("x");
  Tensor y(x.shape());
  softmax(x.view(), y.view(), ctx);
  if (which.shape("x").rank() == 4) {
    results.add_nchw(which, "y", y.view());
  } else {
    results.add(which, "y", which.shape("x"), y.values());
  }
}

}  // namespace hewn::audit
