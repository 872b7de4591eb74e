// Instance normalisation: every channel of every image for itself.
#pragma once

#include "hewn/ops/activation/activation.h"
#include "hewn/runtime/context.h"
#include "hewn/runtime/tensor.h"

namespace hewn {

/// What is under the root, and what follows.
struct InstanceNormParams {
  float eps = 1e-5F;  ///< ≥ 0; added to the variance
  Activation activation = {};
};

/// y = activation((x − mean) / √(variance + eps) + before) + after, with the mean and the variance
/// (the mean squared deviation) of each channel over the pixels of its image, as
/// torch.nn.functional.instance_norm without running statistics or weights.
///
/// x, y and the addends: [n, h, w, c]. Throws Error unless the shapes agree and eps is in range. y
/// may be the same view as x or as an addend; otherwise it must not overlap them. An image of one
/// pixel becomes 0 before the addends (PyTorch refuses it). NaN or infinity in a channel makes that
/// channel of the image NaN. Moments are summed over chunks of 128 pixels in float32, and over the
/// chunks in double: bits depend on neither threads nor instruction set.
void instance_norm(ConstView x, const Addends& addends, const InstanceNormParams& params, View y,
                   Context& ctx);

/// The same without addends.
inline void instance_norm(ConstView x, const InstanceNormParams& params, View y, Context& ctx) {
  instance_norm(x, {}, params, y, ctx);
}

}  // namespace hewn
