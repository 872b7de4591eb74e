#include "hewn/ops/convex_upsample/convex_upsample.h"

#include "tests/audit/op_runner.h"

namespace hewn::audit {

void run_convex_upsample(const AuditCase& which, AuditResults& results, Context& ctx) {
  const std::int64_t factor = which.integer("factor");
  const Tensor flow = which.tensor("flow");
  const Tensor logits = which.tensor("logits");
  const Nhwc& s = flow.shape();
  Tensor y({s.n, factor * s.h, factor * s.w, s.c});
  convex_upsample(flow.view(), logits.view(), factor, y.view(), ctx);
  results.add_nchw(which, "y", y.view());
}

}  // namespace hewn::audit
