// Attention as the definition has it: the oracle of the tests.
#pragma once

#include "hewn/runtime/tensor.h"

#include <cstdint>
#include <span>
#include <vector>

namespace hewn {

/// What attention() and tree_attention() compute, in double, as dense NHWC values, and how far
/// float may be off for one unit of rounding: the size of the values that are averaged, and how
/// much the scores' errors move the weights.
struct AttentionReference {
  std::vector<double> y;
  std::vector<double> sensitivity;
};

/// `visible[query · keys + key]` says whether a query sees a key; empty means all of them.
AttentionReference attention_reference(ConstView q, ConstView k, ConstView v, std::int64_t heads,
                                       std::span<const std::uint8_t> visible = {});

}  // namespace hewn
