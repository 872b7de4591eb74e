// Layer normalisation, as torch.nn.functional.layer_norm over the last axis.
#pragma once

#include "hewn/runtime/context.h"
#include "hewn/runtime/tensor.h"

#include <span>

namespace hewn {

/// The learned scale and shift of each channel, as PyTorch stores them.
struct LayerNormWeights {
  std::span<const float> weight;
  std::span<const float> bias;
  float eps = 1e-5F;  ///< ≥ 0
};

/// y[p][c] = (x[p][c] − mean_p) / √(variance_p + eps) · weight[c] + bias[c] for every pixel p, its
/// mean and its biased variance over the channels (Ba, Kiros and Hinton, "Layer normalization",
/// 2016).
///
/// Throws Error unless the shapes agree, weight and bias have a value for each channel and eps is
/// at least 0. y may be the same view as x; otherwise the two must not overlap. The moments are
/// taken in two passes over 16 fixed lanes, and corrected by what the second leaves over: bits
/// depend on neither threads nor instruction set.
void layer_norm(ConstView x, const LayerNormWeights& weights, View y, Context& ctx);

}  // namespace hewn
