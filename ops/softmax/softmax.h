// Softmax over channels.
#pragma once

#include "hewn/runtime/context.h"
#include "hewn/runtime/tensor.h"

namespace hewn {

/// y[p][c] = exp(x[p][c] − max) / Σ_c exp(x[p][c] − max) for every pixel p, max being the pixel's
/// largest channel: torch.softmax over dimension 1 of an NCHW tensor, or over the last axis of a
/// matrix, which is {1, 1, rows, columns} here.
///
/// As in PyTorch a pixel with a NaN or +infinity, or with nothing but −infinity, becomes NaN
/// throughout; a −infinity beside finite values becomes 0. Throws Error unless the shapes agree. y
/// may be the same view as x; otherwise the two must not overlap. The sum runs over 16 fixed lanes:
/// bits depend on neither threads nor instruction set.
void softmax(ConstView x, View y, Context& ctx);

}  // namespace hewn
