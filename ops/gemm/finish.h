// The epilogue on lanes. Internal, for *.simd.cpp only.
#pragma once

#include "hewn/ops/activation/apply.h"
#include "hewn/ops/gemm/epilogue.h"

namespace hewn::HEWN_KERNEL_ISA {

/// Whether the epilogue is nothing more than ReLU.
HEWN_INLINE bool is_plain(const Epilogue& e) {
  return e.before == nullptr && e.scale == nullptr && e.after == nullptr &&
         (e.activation.kind == Activation::Kind::none ||
          e.activation.kind == Activation::Kind::relu);
}

/// The epilogue where is_plain().
HEWN_INLINE Lanes finish_plain(bool with_relu, const Lanes& sum) {
  return with_relu ? relu(sum) : sum;
}

/// activation(sum + before) × scale + shift + after for sixteen channels from `channel` on, of
/// which `count` exist. `before` and `after` are at the pixel; they are read only when the epilogue
/// has them.
inline Lanes finish(const Epilogue& e, const Lanes& sum, std::int64_t channel, std::int64_t count,
                    const float* before, const float* after) {
  Lanes y = sum;
  if (e.before != nullptr) y = y + Lanes::load(before + channel, count);
  y = apply(e.activation, y);
  if (e.scale != nullptr) {
    y = fma(y, Lanes::load(e.scale + channel), Lanes::load(e.shift + channel));
  }
  if (e.after != nullptr) y = y + Lanes::load(after + channel, count);
  return y;
}

}  // namespace hewn::HEWN_KERNEL_ISA
