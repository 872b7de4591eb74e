// RAFT's learned upsampling of a flow field.
#pragma once

#include "hewn/runtime/context.h"
#include "hewn/runtime/tensor.h"

#include <cstdint>

namespace hewn {

/// y = flow on a grid `factor` times as fine: each fine vector is factor × a convex combination of
/// the coarse ones at the 3 × 3 pixels around its own, with zeros outside of the picture. The
/// weights are a softmax over nine logits (Teed and Deng, "RAFT", 2020, section 3.3).
///
/// flow: [n, h, w, 2] in pixels of its own grid, logits: [n, h, w, 9·factor²], y:
/// [n, factor·h, factor·w, 2] in pixels of the fine grid. Channel k·factor² + factor·i + j holds
/// the logit of neighbour k, in reading order, for the fine pixel (i, j) within a coarse one.
/// Throws Error when factor < 1 or a shape is wrong. y must overlap neither input. NaN spreads
/// where its weight or vector is used. Bits depend on neither threads nor instruction set.
void convex_upsample(ConstView flow, ConstView logits, std::int64_t factor, View y, Context& ctx);

}  // namespace hewn
