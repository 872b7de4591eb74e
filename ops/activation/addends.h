// What operators with a fused activation do with their addends. Internal: not installed.
#pragma once

#include "hewn/ops/activation/activation.h"
#include "hewn/runtime/error.h"
#include "hewn/runtime/operands.h"

#include <algorithm>
#include <string_view>

namespace hewn {

/// Throws Error, beginning with `operation`, unless each addend is absent or has the shape of y.
template <typename... Operation>
void check_addends(const Addends& addends, const Nhwc& y, const Operation&... operation) {
  for (const auto& addend : {addends.before, addends.after}) {
    require(!addend || addend->shape == y, operation..., ": expected an addend of ", y, ", got ",
            addend ? addend->shape : Nhwc{});
  }
}

/// An addend for check_operands(), which may be absent.
inline Operand addend_operand(std::string_view name, const std::optional<ConstView>& addend,
                              Overlap output) {
  return {name, addend.value_or(ConstView{}), output};
}

/// pixels_of_run() with the addends.
template <typename... Float>
std::int64_t pixels_of_run(const Addends& addends, const BasicView<Float>&... views) {
  std::int64_t run = pixels_of_run(views...);
  for (const auto& addend : {addends.before, addends.after}) {
    if (addend) run = std::min(run, pixels_of_run(*addend));
  }
  return run;
}

}  // namespace hewn
