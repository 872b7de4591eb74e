#include "hewn/ops/depth_to_space/depth_to_space.h"

#include "tests/audit/op_runner.h"

namespace hewn::audit {

void run_depth_to_space(const AuditCase& which, AuditResults& results, Context& ctx) {
  const std::int64_t block = which.integer("block");
  const Tensor x = which.tensor("x");
  Tensor y(depth_to_space_output_shape(x.shape(), block));
  depth_to_space(x.view(), block, y.view(), ctx);
  results.add_nchw(which, "y", y.view());
}

}  // namespace hewn::audit
