// Comparison of a result with its oracle, and of bits with bits.
#pragma once

#include "hewn/runtime/context.h"
#include "hewn/runtime/tensor.h"

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include <gtest/gtest.h>

namespace hewn::test {

/// Half the distance from 1 to the next float: the relative error of one rounding.
inline constexpr double kUnitRoundoff = std::numeric_limits<float>::epsilon() / 2.0;

/// Succeeds when every |y − expected| ≤ bound, element by element in dense NHWC order; NaN matches
/// NaN only and an infinity only itself. A failure names the worst element.
testing::AssertionResult all_within(ConstView y, std::span<const double> expected,
                                    std::span<const double> bound);

/// FNV-1a over the bits of the view's elements: equal sums mean equal bits.
std::uint64_t checksum(ConstView view);

/// The instruction sets that are compiled in and that this machine runs.
std::vector<Isa> usable_isas();

/// Those of usable_isas() that promise the same bits: those with fused multiply-adds.
std::vector<Isa> bit_identical_isas();

}  // namespace hewn::test
