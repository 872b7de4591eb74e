#include "hewn/ops/elementwise/elementwise.h"

#include "hewn/runtime/error.h"

#include <optional>
#include <string_view>

#include "tests/audit/op_runner.h"

namespace hewn::audit {

namespace {

/// Empty where `kind` is an activation.
std::optional<UnaryOp> unary_op(std::string_view kind) {
  for (UnaryOp op : {UnaryOp::abs, UnaryOp::exp, UnaryOp::sqrt, UnaryOp::erf}) {
    if (name_of(op) == kind) return op;
  }
  return std::nullopt;
}

/// By PyTorch's names.
BinaryOp binary_op(const AuditCase& which) {
  const std::string kind = which.text("kind");
  if (kind == "add") return BinaryOp::add;
  if (kind == "sub") return BinaryOp::subtract;
  if (kind == "mul") return BinaryOp::multiply;
  if (kind == "div") return BinaryOp::divide;
  if (kind == "maximum") return BinaryOp::maximum;
  if (kind == "minimum") return BinaryOp::minimum;
  fail("case ", which.id(), ": unknown binary operation '", kind, "'");
}

}  // namespace

void run_unary(const AuditCase& which, AuditResults& results, Context& ctx) {
  const Tensor x = which.tensor("x");
  Tensor y(x.shape());
  if (const auto op = unary_op(which.text("kind"))) {
    unary(x.view(), *op, y.view(), ctx);
  } else {
    activate(x.view(), which.activation("kind"), y.view(), ctx);
  }
  results.add_nchw(which, "y", y.view());
}

void run_binary(const AuditCase& which, AuditResults& results, Context& ctx) {
  const Tensor a = which.tensor("a");
  const Tensor b = which.tensor("b");
  Tensor y(a.shape());
  binary(a.view(), b.view(), binary_op(which), y.view(), ctx);
  results.add_nchw(which, "y", y.view());
}

}  // namespace hewn::audit
