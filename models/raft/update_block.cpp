#include "hewn/models/raft/update_block.h"

#include "hewn/runtime/error.h"

namespace hewn {

namespace {

constexpr const char* kName = "update_block.";

/// A convolution of the block, which reports its states to the trace, and not what its parts give.
ConvLayer conv(LayerSource& layers, const std::string& name, std::int64_t in, std::int64_t out,
               const ConvOptions& options = {}) {
  return layers.conv(kName + name, in, out, options).silent();
}

/// In training, a quarter balances the gradients of the mask against those of the flow. The factor
/// is exact, so it may as well be on the weights.
ConvLayer mask_conv(LayerSource& layers, const std::string& name, const Shape& shape) {
  constexpr float kMaskScale = 0.25F;
  OwnedConv2dWeights weights = layers.conv_weights(kName + name, shape);
  for (float& value : weights.weight) value *= kMaskScale;
  for (float& value : weights.bias) value *= kMaskScale;
  return ConvLayer({kName + name, {.packing = layers.packing()}, weights.spans()}).silent();
}

}  // namespace

MotionEncoder::MotionEncoder(LayerSource& layers, const RaftVariant& variant,
                             std::int64_t correlations)
    : convc1_(
          conv(layers, "encoder.convc1", correlations, variant.large ? 256 : 96, {.kernel = 1})),
      convf1_(conv(layers, "encoder.convf1", 2, variant.large ? 128 : 64, {.kernel = 7})),
      convf2_(conv(layers, "encoder.convf2", variant.large ? 128 : 64, variant.large ? 64 : 32)),
      conv_(conv(layers, "encoder.conv", variant.large ? 192 + 64 : 96 + 32, variant.motion - 2)) {
  if (variant.large) convc2_ = conv(layers, "encoder.convc2", 256, 192);
}

void MotionEncoder::operator()(Correlation& correlation, ConstView flow, View motion,
                               Context& ctx) const {
  const Arena::Scope scope(ctx.arena());
  const Nhwc& s = flow.shape;
  const std::int64_t seen = (convc2_ ? *convc2_ : convc1_).out_channels();
  const std::int64_t moved = convf2_.out_channels();
  const View both = ctx.arena().view({s.n, s.h, s.w, seen + moved});
  encode_correlation(correlation, flow, both.channels(0, seen), ctx);
  convf2_(convf1_(flow, ctx), both.channels(seen, seen + moved), ctx);
  conv_(both, motion.channels(0, motion.shape.c - 2), ctx);
  copy(flow, motion.channels(motion.shape.c - 2, motion.shape.c));
  ctx.trace("motion", motion);
}

void MotionEncoder::encode_correlation(Correlation& correlation, ConstView flow, View seen,
                                       Context& ctx) const {
  const Arena::Scope scope(ctx.arena());
  const Nhwc& s = flow.shape;
  const View inner = convc2_ ? ctx.arena().view({s.n, s.h, s.w, convc1_.out_channels()}) : seen;
  {
    const Arena::Scope input(ctx.arena());
    const View found = ctx.arena().view({s.n, s.h, s.w, correlation.channels()});
    correlation.lookup(flow, found, ctx);
    ctx.trace("correlation", found);
    convc1_(found, inner, ctx);
  }
  if (convc2_) (*convc2_)(inner, seen, ctx);
}

UpdateBlock::UpdateBlock(LayerSource& layers, const RaftVariant& variant, std::int64_t correlations)
    : variant_(variant),
      motion_encoder_(layers, variant, correlations),
      flow_conv1_(conv(layers, "flow_head.conv1", variant.hidden, variant.large ? 256 : 128)),
      flow_conv2_(
          conv(layers, "flow_head.conv2", variant.large ? 256 : 128, 2, {.activation = {}})) {
  const std::int64_t hidden = variant.hidden;
  const std::int64_t channels = hidden + variant.context + variant.motion;
  const auto add_unit = [&](const char* suffix, std::int64_t kernel_h, std::int64_t kernel_w) {
    gru_.push_back(layers.conv_gru(text_of(kName, "gru"), suffix,
                                   {hidden, channels, kernel_h, kernel_w}, variant.context));
  };
  if (variant.large) {
    add_unit("1", 1, 5);
    add_unit("2", 5, 1);
    mask_conv1_ = conv(layers, "mask.0", hidden, 256);
    mask_conv2_ = mask_conv(layers, "mask.2", {64 * 9, 256, 1, 1});
  } else {
    add_unit("", 3, 3);
  }
}

UpdateBlock::State UpdateBlock::state(const Nhwc& map, Context& ctx) const {
  const std::int64_t hidden = variant_.hidden;
  const View unit = ctx.arena().view({map.n, map.h, map.w, gru_.front().state_channels()});
  return {.unit = unit,
          .hidden = unit.channels(0, hidden),
          .motion = unit.channels(hidden, hidden + variant_.motion),
          .context = unit.channels(0, hidden + variant_.context),
          .constants = {}};
}

void UpdateBlock::begin(State& state, Context& ctx) const {
  const std::int64_t hidden = variant_.hidden;
  activate(state.hidden, {.kind = Activation::Kind::tanh}, state.hidden, ctx);
  const View inputs = state.context.channels(hidden, hidden + variant_.context);
  activate(inputs, Activation::relu(), inputs, ctx);
  for (std::size_t i = 0; i < gru_.size(); ++i) {
    state.constants[i] = gru_[i].constants(inputs, ctx);
  }
}

void UpdateBlock::operator()(Correlation& correlation, State& state, View flow,
                             Context& ctx) const {
  const Arena::Scope scope(ctx.arena());
  motion_encoder_(correlation, flow, state.motion, ctx);
  for (std::size_t i = 0; i < gru_.size(); ++i) {
    gru_[i](state.unit, state.constants[i], ctx);
  }
  flow_conv2_(flow_conv1_(state.hidden, ctx), {.after = flow}, flow, ctx);
  ctx.trace("hidden", state.hidden);
  ctx.trace("flow_low", flow);
}

View UpdateBlock::upsampling_mask(const State& state, Context& ctx) const {
  const Nhwc& s = state.hidden.shape;
  const View mask = ctx.arena().view({s.n, s.h, s.w, mask_conv2_->out_channels()});
  const Arena::Scope scope(ctx.arena());
  (*mask_conv2_)((*mask_conv1_)(state.hidden, ctx), mask, ctx);
  ctx.trace("mask", mask);
  return mask;
}

}  // namespace hewn
