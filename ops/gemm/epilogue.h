// What happens to a sum before it is written. Internal: not installed.
#pragma once

#include "hewn/ops/activation/activation.h"

#include <cstdint>

namespace hewn {

/// y = activation(sum + before) × scale + shift + after, each part absent where its pointer is
/// null. The pointers are at the first channel that is written; bias, scale and shift are padded to
/// whole panels of 16 channels.
struct Epilogue {
  const float* bias = nullptr;  ///< the sum begins with it
  const float* before = nullptr;
  std::int64_t before_stride = 0;  ///< floats between pixels
  Activation activation = {};
  const float* scale = nullptr;  ///< present or absent together with shift
  const float* shift = nullptr;
  const float* after = nullptr;
  std::int64_t after_stride = 0;  ///< floats between pixels
};

}  // namespace hewn
