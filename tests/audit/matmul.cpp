#include "hewn/ops/matmul/matmul.h"

#include "tests/audit/op_runner.h"

namespace hewn::audit {

void run_matmul(const AuditCase& which, AuditResults& results, Context& ctx) {
  const MatmulParams params{.transpose_b = which.flag("transpose_b")};
  const Tensor a = which.tensor("a");
  const Tensor b = which.tensor("b");
  const Nhwc shape = matmul_shape(a.shape(), b.shape(), params);
  Tensor y(shape);
  matmul(a.view(), b.view(), params, y.view(), ctx);
  results.add(which, "y", {shape.n, shape.w, shape.c}, y.values());
}

}  // namespace hewn::audit
