// Kernels of fully connected layers, beside the tile of ops/gemm. Internal: not installed.
#pragma once

#include <cstdint>

namespace hewn {

struct LinearKernels {
  /// `count` finite binary16 numbers as float32, exactly; 16 divides count.
  void (*widen)(const std::uint16_t* from, float* to, std::int64_t count);
};

}  // namespace hewn
