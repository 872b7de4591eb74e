#include "hewn/ops/correlation/correlation.h"

#include "hewn/runtime/error.h"

#include "tests/audit/op_runner.h"

namespace hewn::audit {

namespace {

CorrelationForm read_form(const AuditCase& which) {
  const std::string form = which.text("form");
  if (form == "all_pairs") return CorrelationForm::all_pairs;
  if (form == "on_demand") return CorrelationForm::on_demand;
  fail("case ", which.id(), ": form: expected all_pairs or on_demand, got '", form, "'");
}

}  // namespace

/// The lookup of `flow`; where there is a flow `earlier`, after a lookup of that, whose windows on
/// demand reuses.
void run_correlation(const AuditCase& which, AuditResults& results, Context& ctx) {
  const Tensor features1 = which.tensor("features1");
  const Tensor features2 = which.tensor("features2");
  const Arena::Scope scope(ctx.arena());
  Correlation correlation(features1.view(), features2.view(),
                          {.levels = which.integer("levels"),
                           .radius = which.integer("radius"),
                           .form = read_form(which)},
                          ctx);
  const Nhwc& s = features1.shape();
  Tensor y({s.n, s.h, s.w, correlation.channels()});
  for (const char* flow : {"earlier", "flow"}) {
    if (which.has(flow)) correlation.lookup(which.tensor(flow).view(), y.view(), ctx);
  }
  results.add_nchw(which, "y", y.view());
}

}  // namespace hewn::audit
