#include "hewn/ops/attention/attention.h"

#include "tests/audit/op_runner.h"

namespace hewn::audit {

void run_attention(const AuditCase& which, AuditResults& results, Context& ctx) {
  const Tensor q = which.tensor("q");
  const Tensor k = which.tensor("k");
  const Tensor v = which.tensor("v");
  Tensor y(q.shape());
  attention(q.view(), k.view(), v.view(), which.integer("heads"), y.view(), ctx);
  results.add(which, "y", which.shape("q"), y.values());
}

void run_tree_attention(const AuditCase& which, AuditResults& results, Context& ctx) {
  const Tensor q = which.tensor("q");
  const Tensor k = which.tensor("k");
  const Tensor v = which.tensor("v");
  Tensor y(q.shape());
  tree_attention(q.view(), which.integers("tokens"), k.view(), v.view(), which.integers("parents"),
                 which.integer("heads"), y.view(), ctx);
  results.add(which, "y", which.shape("q"), y.values());
}

}  // namespace hewn::audit
