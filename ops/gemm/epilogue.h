// What happens to a sum before it is written. Internal: not installed.
#pragma once

#include "hewn/ops/activation/activation.h"

#include <cstdint>

namespace hewn {

/// y = activation(sum) × scale + shift + residual, each part absent where its pointer is null. The
/// pointers are at the first channel that is written; all but the residual are padded to whole
/// panels of 16 channels.
struct Epilogue {
  const float* bias = nullptr;  ///< the sum begins with it
  Activation activation = {};
  const float* scale = nullptr;  ///< present or absent together with shift
  const float* shift = nullptr;
  const float* residual = nullptr;
  std::int64_t residual_stride = 0;  ///< floats between pixels
};

}  // namespace hewn
