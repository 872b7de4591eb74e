// Scaling of every pixel's channels to length one.
#pragma once

#include "hewn/runtime/context.h"
#include "hewn/runtime/tensor.h"

namespace hewn {

/// y[p][c] = x[p][c] / max(√(Σ_c x[p][c]²), eps) for every pixel p:
/// torch.nn.functional.normalize(p=2) over dimension 1 of an NCHW tensor.
///
/// As in PyTorch the squares are summed in float32: a pixel longer than 1.8e19 has an infinite norm
/// and becomes 0, one shorter than eps is divided by eps, and a NaN spreads over its pixel. Throws
/// Error unless the shapes agree and eps ≥ 0. y may be the same view as x; otherwise the two must
/// not overlap. The sum runs over 16 fixed lanes: bits depend on neither threads nor instruction
/// set.
void l2_normalize(ConstView x, float eps, View y, Context& ctx);

/// The same with PyTorch's eps.
inline void l2_normalize(ConstView x, View y, Context& ctx) { l2_normalize(x, 1e-12F, y, ctx); }

}  // namespace hewn
