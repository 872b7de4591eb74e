// A matrix in the order in which the register tile reads it. Internal: not installed.
#pragma once

#include "hewn/ops/gemm/gemm.h"

#include <algorithm>
#include <cstdint>

namespace hewn {

/// One panel [depth][16] of a matrix whose rows, of `depth` values and `stride` apart, become its
/// columns, 1 ≤ columns ≤ 16; zeros beyond them.
template <typename Value>
void pack_panel_of_rows(const Value* from, std::int64_t stride, std::int64_t columns,
                        std::int64_t depth, Value* to) {
  if (columns < kPanel) std::fill_n(to, depth * kPanel, Value{});
  for (std::int64_t k = 0; k < depth; ++k) {
    for (std::int64_t j = 0; j < columns; ++j) to[k * kPanel + j] = from[j * stride + k];
  }
}

/// The same of a matrix whose columns are the panel's: `depth` rows, `stride` apart.
template <typename Value>
void pack_panel_of_columns(const Value* from, std::int64_t stride, std::int64_t columns,
                           std::int64_t depth, Value* to) {
  for (std::int64_t k = 0; k < depth; ++k, from += stride, to += kPanel) {
    std::fill(std::copy_n(from, columns, to), to + kPanel, Value{});
  }
}

}  // namespace hewn
