#include "hewn/ops/concat/concat.h"

#include "hewn/runtime/error.h"

#include "tests/audit/op_runner.h"

namespace hewn::audit {

void run_concat(const AuditCase& which, AuditResults& results, Context& ctx) {
  std::vector<Tensor> tensors;
  for (;;) {
    const std::string name = text_of("x", tensors.size());
    if (!which.has(name.c_str())) break;
    tensors.push_back(which.tensor(name.c_str()));
  }
  require(!tensors.empty(), "case ", which.id(), ": expected an argument x0");
  std::vector<ConstView> parts;
  Nhwc shape = tensors.front().shape();
  shape.c = 0;
  for (const Tensor& tensor : tensors) {
    parts.push_back(tensor.view());
    shape.c += tensor.shape().c;
  }
  Tensor y(shape);
  concat_channels(parts, y.view(), ctx);
  results.add_nchw(which, "y", y.view());
}

/// A slice is a view: nothing to compute.
void run_slice(const AuditCase& which, AuditResults& results, Context&) {
  const Tensor x = which.tensor("x");
  results.add_nchw(which, "y", x.view().channels(which.integer("begin"), which.integer("end")));
}

}  // namespace hewn::audit
