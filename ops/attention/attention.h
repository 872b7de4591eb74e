// Scaled dot-product attention with several heads.
#pragma once

#include "hewn/runtime/context.h"
#include "hewn/runtime/tensor.h"

#include <cstdint>
#include <span>

namespace hewn {

/// y = softmax(q · kᵀ / √d) · v for each image and head (Vaswani et al., "Attention is all you
/// need", 2017, eq. 1): torch.nn.functional.scaled_dot_product_attention on tokens whose channels
/// are the heads one after the other, d = channels / heads each.
///
/// q, y: {n, 1, queries, channels}; k, v: {n, 1, keys, channels} with at least one key. They may be
/// channel slices of one buffer. Throws Error when a shape is wrong or heads do not divide the
/// channels. y must not overlap the others. Scores exist for a few queries of one head at a time, a
/// thread; no matrix of queries × keys goes to memory. Bits depend on neither threads nor
/// instruction set.
void attention(ConstView q, ConstView k, ConstView v, std::int64_t heads, View y, Context& ctx);

/// The same where token i sees itself, its parent, its parent's parent and so on: causal attention
/// over texts that share their beginnings. With parents −1, 0, 1, … it is is_causal=True on one
/// text.
///
/// q, y: {1, 1, queries, channels}, query i being token tokens[i]; k, v: {1, 1, keys, channels}.
/// parents: one for each key, −1 or smaller than the key's own number. Throws Error when a shape is
/// wrong, heads do not divide the channels, or a token or a parent is out of its range. y must not
/// overlap the others. Bits depend on neither threads nor instruction set, and those of a token
/// only on the tokens that it sees.
void tree_attention(ConstView q, std::span<const std::int32_t> tokens, ConstView k, ConstView v,
                    std::span<const std::int32_t> parents, std::int64_t heads, View y,
                    Context& ctx);

}  // namespace hewn
