// Products of matrices, one or a batch.
#pragma once

#include "hewn/runtime/context.h"
#include "hewn/runtime/tensor.h"

namespace hewn {

/// How b is stored.
struct MatmulParams {
  bool transpose_b = false;  ///< b holds its transpose: {batch, 1, columns, depth}
};

/// The shape of a·b: {batch, 1, rows, columns}. Throws Error when a and b are not matrices that can
/// be multiplied; see matmul().
Nhwc matmul_shape(const Nhwc& a, const Nhwc& b, const MatmulParams& params = {});

/// y[i] = a[i]·b[i], as torch.matmul. A matrix is an image one pixel high: a is
/// {batch, 1, rows, depth}, b {batch, 1, depth, columns} or, with transpose_b,
/// {batch, 1, columns, depth}, and y has matmul_shape(). A batch of one in a or b serves every
/// matrix of the other. Views may be channel slices: so are the heads of an attention.
///
/// Any size may be 0; with a depth of 0 the product is 0. Throws Error when a shape is wrong. y
/// must not overlap a or b. Each element is summed over the depth in runs of 128, each run one
/// chain of fused multiply-adds: bits depend on neither threads nor instruction set. b is packed
/// into the arena first, which takes its size, columns rounded up to 16.
void matmul(ConstView a, ConstView b, const MatmulParams& params, View y, Context& ctx);

/// The same with b as it is.
inline void matmul(ConstView a, ConstView b, View y, Context& ctx) { matmul(a, b, {}, y, ctx); }

}  // namespace hewn
