#include "hewn/ops/topk/topk.h"

#include "hewn/runtime/error.h"

#include "tests/audit/op_runner.h"

namespace hewn::audit {

void run_topk(const AuditCase& which, AuditResults& results, Context& ctx) {
  const std::int64_t k = which.integer("k");
  require(k >= 0, "case ", which.id(), ": k: expected at least 0, got ", k);
  const std::vector<float> x = which.values("x");
  std::vector<float> top(static_cast<std::size_t>(k));
  std::vector<std::int64_t> indices(top.size());
  topk(x, k, top, indices, ctx);
  results.add(which, "y", {k}, top);
  results.add(which, "indices", {k}, indices);
}

}  // namespace hewn::audit
