// A gated recurrent unit whose products are convolutions, as in RAFT.
// Teed and Deng, "RAFT", 2020, section 3.3; the unit itself is Cho et al., "Learning Phrase
// Representations using RNN Encoder-Decoder for Statistical Machine Translation", 2014.
#pragma once

#include "hewn/ops/conv2d/conv2d.h"
#include "hewn/runtime/context.h"
#include "hewn/runtime/tensor.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace hewn {

/// Weights as PyTorch stores those of three convolutions over the channels [h, x], each contiguous:
/// [hidden][hidden + inputs][kernel_h][kernel_w].
struct ConvGruWeights {
  /// One of the three convolutions.
  struct Gate {
    std::span<const float> weight;
    std::span<const float> bias;  ///< one value for each hidden channel
  };
  Shape shape;  ///< of each gate's weight
  Gate z;       ///< how much of the state is replaced
  Gate r;       ///< how much of it the candidate sees
  Gate q;       ///< the candidate
};

/// The weights of one unit, packed once: z and r merged into one convolution, and what reads inputs
/// that never change apart from the rest. Immutable: threads may share one.
class PackedConvGru {
 public:
  /// The first `constants` inputs are those that stay the same from step to step. Kernels have odd
  /// sides, and padding keeps the size of the map. `name` appears in errors and profiles. Throws
  /// Error when a span does not have the size that the shape asks for, or a number is out of range.
  /// The spans may go away afterwards.
  PackedConvGru(std::string name, const ConvGruWeights& weights, std::int64_t constants = 0,
                Conv2dPacking packing = Conv2dPacking::any);

  const std::string& name() const { return name_; }  ///< for errors and profiles
  std::int64_t hidden() const { return hidden_; }    ///< channels of the state
  /// Inputs that change from step to step.
  std::int64_t inputs() const { return inputs_; }
  /// Inputs that stay the same.
  std::int64_t constants() const { return constants_; }
  /// hidden + inputs + hidden.
  std::int64_t state_channels() const { return 2 * hidden_ + inputs_; }

  /// [constants] → [z, r, q], with the biases; empty when there are no constants.
  const std::optional<PackedConv2d>& constant_part() const { return constant_part_; }
  /// [h, x] → [z, r].
  const PackedConv2d& gates() const { return *gates_; }
  /// [x, r∘h] → q.
  const PackedConv2d& candidate() const { return *candidate_; }

 private:
  std::string name_;
  std::int64_t hidden_ = 0;
  std::int64_t inputs_ = 0;
  std::int64_t constants_ = 0;
  std::optional<PackedConv2d> constant_part_;
  std::optional<PackedConv2d> gates_;
  std::optional<PackedConv2d> candidate_;
};

/// What the inputs that never change add to z, r and q, to be computed once before the steps.
///
/// x: [n, h, w, constants], y: [n, h, w, 3·hidden]. Throws Error when a shape is wrong or the unit
/// has no constants. y must not overlap x. Bits depend on neither threads nor instruction set.
void conv_gru_constants(ConstView x, const PackedConvGru& gru, View y, Context& ctx);

/// One step: with [h, x] the channels of `state` and * the convolutions,
///
///     z = σ(W_z * [h, x])    r = σ(W_r * [h, x])    q = tanh(W_q * [r∘h, x])
///     h ← (1 − z)∘h + z∘q
///
/// state: [n, h, w, state_channels()], the hidden state, the inputs that change, and room for r∘h;
/// the first are replaced, the inputs left as they are. constants: what conv_gru_constants() gave,
/// exactly when the unit has such inputs; they must not overlap the state. Throws Error when a
/// shape is wrong. Bits depend on neither threads nor instruction set.
void conv_gru(View state, const std::optional<ConstView>& constants, const PackedConvGru& gru,
              Context& ctx);

}  // namespace hewn
