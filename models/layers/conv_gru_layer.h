// A recurrent unit of convolutions as networks use it.
#pragma once

#include "hewn/ops/gru/conv_gru.h"
#include "hewn/runtime/context.h"

#include <cstdint>
#include <string>
#include <utility>

namespace hewn {

/// A recurrent unit with inputs that stay the same from step to step. Reports nothing to the trace:
/// the block that it belongs to reports the state.
class ConvGruLayer {
 public:
  /// `gru` under its own name.
  explicit ConvGruLayer(PackedConvGru gru) : gru_(std::move(gru)) {}

  const std::string& name() const { return gru_.name(); }  ///< for errors and profiles
  /// Of `state`: the hidden state, inputs that change, and room.
  std::int64_t state_channels() const { return gru_.state_channels(); }

  /// What inputs x that never change add to each step, in the arena of the Context:
  /// conv_gru_constants().
  View constants(ConstView x, Context& ctx) const;

  /// One step, as conv_gru() has it.
  void operator()(View state, ConstView constants, Context& ctx) const;

 private:
  PackedConvGru gru_;
};

}  // namespace hewn
