// What operators with a fused activation do with their addends. Internal: not installed.
#pragma once

#include "hewn/ops/activation/activation.h"
#include "hewn/runtime/error.h"

namespace hewn {

/// Throws Error, beginning with `operation`, unless each addend is absent or has the shape of y.
template <typename... Operation>
void check_addends(const Addends& addends, const Nhwc& y, const Operation&... operation) {
  for (const auto& addend : {addends.before, addends.after}) {
    require(!addend || addend->shape == y, operation..., ": expected an addend of ", y, ", got ",
            addend ? addend->shape : Nhwc{});
  }
}

}  // namespace hewn
