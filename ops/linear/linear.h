// Fully connected layers.
#pragma once

#include "hewn/ops/activation/activation.h"
#include "hewn/runtime/aligned_array.h"
#include "hewn/runtime/context.h"
#include "hewn/runtime/shape.h"
#include "hewn/runtime/tensor.h"

#include <cstdint>
#include <span>
#include <string>

namespace hewn {

/// Weights as PyTorch stores them.
struct LinearWeights {
  Shape shape;                    ///< of rank 2: [out][in]
  std::span<const float> weight;  ///< contiguous; empty where `halves` is given
  std::span<const float> bias;    ///< empty, or one value for each output
  /// The weight as finite IEEE binary16 numbers. They are kept as they are, in half the memory, and
  /// widened where they are used, which is exact: bits and errors are those of the same values
  /// given as `weight`.
  std::span<const std::uint16_t> halves = {};
};

/// What products are made of. Sums are float32 always.
enum class LinearPrecision {
  float32,
  /// Weights and inputs are rounded to bfloat16. Only for Contexts that have bf16(), whose
  /// instructions decide the bits.
  bfloat16,
};

/// Weights and activation of one layer, packed once, when a model loads: panels of 16 outputs in
/// the order in which the kernels read them, [panel][in][16]. The packing is the same for every
/// instruction set. For bfloat16 they are [panel][in / 2][16][2], `in` rounded up to a multiple of
/// 32 with zeros. Immutable: threads may share one.
class PackedLinear {
 public:
  /// `name` appears in errors and profiles. Throws Error when a span does not have the size that
  /// the shape asks for. The spans may go away afterwards.
  PackedLinear(std::string name, const LinearWeights& weights, const Activation& activation = {},
               LinearPrecision precision = LinearPrecision::float32);

  const std::string& name() const { return name_; }             ///< for errors and profiles
  std::int64_t in_features() const { return in_features_; }     ///< channels of x
  std::int64_t out_features() const { return out_features_; }   ///< channels of y
  const Activation& activation() const { return activation_; }  ///< as given

  LinearPrecision precision() const { return precision_; }  ///< which panels it has

  /// The panels as float32; empty where the layer has others.
  std::span<const float> panels() const { return panels_.values(); }
  /// The panels as binary16, likewise.
  std::span<const std::uint16_t> half_panels() const { return half_panels_.values(); }
  /// The panels as bfloat16, likewise.
  std::span<const std::uint16_t> bf16_panels() const { return bf16_panels_.values(); }
  /// Padded with zeros to whole panels; zeros throughout where the layer has none.
  std::span<const float> bias() const { return bias_.values(); }

 private:
  std::string name_;
  Activation activation_;
  LinearPrecision precision_;
  std::int64_t in_features_ = 0;
  std::int64_t out_features_ = 0;
  AlignedArray<float> panels_;
  AlignedArray<std::uint16_t> half_panels_;
  AlignedArray<std::uint16_t> bf16_panels_;
  AlignedArray<float> bias_;
};

/// y = activation(x · weightᵀ + bias + before) + after, as torch.nn.functional.linear, `before` and
/// `after` where they are given.
///
/// x: [n, h, w, in], each pixel a row; y: [n, h, w, out]; addends have the shape of y. Throws Error
/// when a shape is wrong. y must not overlap x, nor `before`; it may be `after` itself where the
/// layer has no activation, which makes a residual block's sum. Throws Error also when the layer is
/// packed in bfloat16 and the Context cannot multiply it. Sums run in blocks of a fixed length: in
/// float32 bits depend on neither threads nor instruction set nor the size of L2; and those of a
/// row never on the other rows.
void linear(ConstView x, const Addends& addends, const PackedLinear& layer, View y, Context& ctx);

/// The same without addends.
inline void linear(ConstView x, const PackedLinear& layer, View y, Context& ctx) {
  linear(x, {}, layer, y, ctx);
}

}  // namespace hewn
