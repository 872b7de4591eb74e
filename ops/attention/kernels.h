// Kernels of attention, beside the tile of ops/gemm. Internal: not installed.
#pragma once

#include <cstdint>

namespace hewn {

/// Scores of some queries: rows of `columns` ≥ 1 floats, `stride` apart.
struct Scores {
  float* data;
  std::int64_t stride;
  std::int64_t rows;
  std::int64_t columns;
};

/// One query and head against a chain of keys, which are rows of k and v.
struct ChainAttention {
  const float* q;
  const float* k;
  const float* v;
  std::int64_t k_stride;  ///< floats between rows
  std::int64_t v_stride;
  const std::int32_t* rows;  ///< the chain
  std::int64_t count;        ///< ≥ 1, the length of the chain
  std::int64_t depth;        ///< channels of the head
  float scale;
  float* scores;  ///< `count` floats to work with
  float* y;
};

struct AttentionKernels {
  /// Scores → exp(scale · (score − the row's largest)), and their sum for each row.
  void (*powers)(const Scores& scores, float scale, float* sums);
  /// Divides each row by its sum.
  void (*divide)(const Scores& y, const float* sums);
  void (*chain)(const ChainAttention& chain);
};

}  // namespace hewn
