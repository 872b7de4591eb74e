// Gated recurrent units on vectors, as torch.nn.GRUCell and torch.nn.GRU.
#pragma once

#include "hewn/ops/linear/linear.h"
#include "hewn/runtime/context.h"
#include "hewn/runtime/tensor.h"

#include <cstdint>
#include <span>
#include <string>

namespace hewn {

/// Weights as PyTorch stores them, each contiguous: the rows of r, z and n, one below the other.
struct GruWeights {
  Shape shape_ih;                    ///< 3·hidden × inputs
  std::span<const float> weight_ih;  ///< on the input
  std::span<const float> weight_hh;  ///< on the state: 3·hidden × hidden
  std::span<const float> bias_ih;    ///< empty, or 3·hidden values
  std::span<const float> bias_hh;    ///< empty, or 3·hidden values
};

/// The weights of one layer, packed once. Immutable: threads may share one.
class PackedGru {
 public:
  /// `name` appears in errors and profiles. Throws Error when a span does not have the size that
  /// the shape asks for. The spans may go away afterwards.
  PackedGru(const std::string& name, const GruWeights& weights);

  std::int64_t inputs() const { return input_.in_features(); }  ///< channels of x
  std::int64_t hidden() const { return state_.in_features(); }  ///< channels of the state
  const PackedLinear& input() const { return input_; }          ///< x → [r, z, n]
  const PackedLinear& state() const { return state_; }          ///< h → [r, z, n]

 private:
  PackedLinear input_;
  PackedLinear state_;
};

/// One step of torch.nn.GRUCell, for a batch of rows:
///
///     r = σ(W_ir x + b_ir + W_hr h + b_hr)    z = σ(W_iz x + b_iz + W_hz h + b_hz)
///     n = tanh(W_in x + b_in + r∘(W_hn h + b_hn))
///     y = (1 − z)∘n + z∘h
///
/// x: [1, 1, batch, inputs], h and y: [1, 1, batch, hidden]. Throws Error when a shape is wrong. y
/// may be h; otherwise it must overlap neither. Bits depend on neither threads nor instruction set.
void gru_cell(ConstView x, ConstView h, const PackedGru& gru, View y, Context& ctx);

/// One layer of torch.nn.GRU over sequences, forwards in time: y(n, t) is the state after step t.
///
/// x: [n, 1, t, inputs], h: [n, 1, 1, hidden], the states to begin with; y: [n, 1, t, hidden].
/// Throws Error when a shape is wrong. y must overlap neither x nor h. Bits depend on neither
/// threads nor instruction set.
void gru(ConstView x, ConstView h, const PackedGru& gru, View y, Context& ctx);

}  // namespace hewn
