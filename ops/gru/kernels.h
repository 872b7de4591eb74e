// Kernels of the gated recurrent units. Internal: not installed.
#pragma once

#include <cstdint>

namespace hewn {

/// h ← (1 − z)∘h + z∘q on `count` rows of `columns` floats; strides count floats from row to row.
struct GruUpdate {
  const float* z;
  std::int64_t z_stride;
  const float* q;
  std::int64_t q_stride;
  float* h;
  std::int64_t h_stride;
  std::int64_t count;
  std::int64_t columns;
};

/// The gates of torch.nn.GRUCell, from the products with the input and with the state: [r, z, n]
/// each.
struct GruCellRow {
  const float* input;
  const float* state;
  const float* h;
  float* y;
  std::int64_t hidden;
};

struct GruKernels {
  void (*update)(const GruUpdate&);
  void (*cell)(const GruCellRow&);
};

}  // namespace hewn
