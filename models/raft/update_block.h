// RAFT's update operator: what one iteration does to the flow.
#pragma once

#include "hewn/models/layers/layer_source.h"
#include "hewn/models/raft/variant.h"
#include "hewn/ops/correlation/correlation.h"

#include <array>
#include <optional>
#include <string>
#include <vector>

namespace hewn {

/// Correlations and flow to features of motion, the flow itself behind them.
class MotionEncoder {
 public:
  /// `correlations`: the channels that a lookup has. Throws as the source does.
  MotionEncoder(LayerSource& layers, const RaftVariant& variant, std::int64_t correlations);

  /// flow: {n, h, w, 2}, motion: {n, h, w, variant.motion}. Traced: "correlation", what is looked
  /// up, and "motion".
  void operator()(Correlation& correlation, ConstView flow, View motion, Context& ctx) const;

 private:
  /// The correlations around the flow, convolved; all that is between is given back.
  void encode_correlation(Correlation& correlation, ConstView flow, View seen, Context& ctx) const;

  ConvLayer convc1_;
  std::optional<ConvLayer> convc2_;  // large only
  ConvLayer convf1_, convf2_, conv_;
};

/// The recurrent unit with its state, the flow head and, in the large network, the mask head.
class UpdateBlock {
 public:
  /// `correlations`: the channels that a lookup has. Throws as the source does.
  UpdateBlock(LayerSource& layers, const RaftVariant& variant, std::int64_t correlations);

  /// What goes from iteration to iteration. It lives in the arena of the Context.
  struct State {
    View unit;                      ///< as conv_gru() has it: [hidden, motion, room]
    View hidden;                    ///< of it
    View motion;                    ///< of it
    View context;                   ///< of it, before the first iteration: [hidden, context]
    std::array<View, 2> constants;  ///< what the context adds, for each half of the unit
  };
  /// Room for the state of maps {n, h, w}, to whose `context` the context encoder is to write.
  State state(const Nhwc& map, Context& ctx) const;
  /// The context encoder's output becomes the state before the first iteration.
  void begin(State& state, Context& ctx) const;

  /// One iteration: the state and the flow {n, h, w, 2} are replaced. Traced: what the motion
  /// encoder traces, "hidden" and "flow_low", the flow.
  void operator()(Correlation& correlation, State& state, View flow, Context& ctx) const;

  /// Logits {n, h, w, 576} for convex_upsample(), in the arena of the Context; large only. Traced
  /// as "mask".
  View upsampling_mask(const State& state, Context& ctx) const;

 private:
  RaftVariant variant_;
  MotionEncoder motion_encoder_;
  std::vector<ConvGruLayer> gru_;  // SepConvGRU: one along rows, one along columns; or one ConvGRU
  ConvLayer flow_conv1_, flow_conv2_;
  std::optional<ConvLayer> mask_conv1_, mask_conv2_;  // large only
};

}  // namespace hewn
