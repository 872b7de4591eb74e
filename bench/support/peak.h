// What the machine could do at most: the ceiling that a kernel's figure is read against.
#pragma once

#include "hewn/runtime/context.h"

namespace hewn::bench {

/// Floating-point operations a second that the threads and the instruction set of `ctx` reach on
/// independent multiply-adds that stay in registers; a multiply-add counts as two. The best of
/// several short trials, some 50 ms in all: call it next to what is measured, since clocks wander.
double peak_flops(Context& ctx);

}  // namespace hewn::bench
