// Fully connected layers in bfloat16. Internal: not installed.
#pragma once

#include "hewn/ops/linear/linear.h"

#include <cstdint>

namespace hewn {

/// The depth of products is a multiple of this: what AMX takes at a time.
inline constexpr std::int64_t kBf16Depth = 32;
/// Rows are padded to a multiple of this: those of an AMX tile.
inline constexpr std::int64_t kBf16Rows = 16;

/// Rows of bfloat16 times one or two panels of weights.
struct Bf16Product {
  const std::uint16_t* in;      ///< [rows][depth]
  std::int64_t rows;            ///< kBf16Rows divides it
  std::int64_t depth;           ///< kBf16Depth divides it
  const std::uint16_t* panels;  ///< [panel][depth / 2][16][2]
  std::int64_t panel_count;     ///< 1 or 2
  const float* bias;            ///< [panel][16], where the sums begin
  float* sums;                  ///< [rows][panel][16]
};

struct Bf16Kernels {
  /// `count` floats, rounded to nearest; denormal ones may become 0. 32 divides the room behind
  /// `to`, which is filled with zeros.
  void (*round)(const float* from, std::uint16_t* to, std::int64_t count);
  void (*product)(const Bf16Product& product);
};

/// linear() for a layer that is packed in bfloat16, on arguments that are checked already and have
/// no gaps between rows.
void bf16_linear(ConstView x, const Addends& addends, const PackedLinear& layer, View y,
                 Context& ctx);

}  // namespace hewn
