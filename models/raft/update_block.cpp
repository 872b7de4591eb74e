#include "hewn/models/raft/update_block.h"

#include "hewn/runtime/error.h"

namespace hewn {

namespace {

constexpr const char* kName = "update_block.";

PackedConv2d conv_relu(LayerSource& layers, const std::string& name, std::int64_t in,
                       std::int64_t out, std::int64_t side) {
  return layers.packed_conv(
      text_of(kName, name), {out, in, side, side},
      {.padding_h = side / 2, .padding_w = side / 2, .activation = Activation::relu()});
}

/// In training, a quarter balances the gradients of the mask against those of the flow. The factor
/// is exact, so it may as well be on the weights.
PackedConv2d mask_conv(LayerSource& layers, const std::string& name, const Shape& shape) {
  constexpr float kMaskScale = 0.25F;
  ConvWeights weights = layers.conv_weights(text_of(kName, name), shape);
  for (float& value : weights.weight) value *= kMaskScale;
  for (float& value : weights.bias) value *= kMaskScale;
  return {text_of(kName, name), {.packing = layers.packing()}, weights.spans()};
}

/// conv(x), in the arena of the Context.
View run(const PackedConv2d& conv, ConstView x, Context& ctx) {
  const View y = ctx.arena().view(conv.output_shape(x.shape));
  conv2d(x, conv, y, ctx);
  return y;
}

}  // namespace

MotionEncoder::MotionEncoder(LayerSource& layers, const RaftVariant& variant,
                             std::int64_t correlations)
    : convc1_(conv_relu(layers, "encoder.convc1", correlations, variant.large ? 256 : 96, 1)),
      convf1_(conv_relu(layers, "encoder.convf1", 2, variant.large ? 128 : 64, 7)),
      convf2_(conv_relu(layers, "encoder.convf2", variant.large ? 128 : 64, variant.large ? 64 : 32,
                        3)),
      conv_(conv_relu(layers, "encoder.conv", variant.large ? 192 + 64 : 96 + 32,
                      variant.motion - 2, 3)) {
  if (variant.large) convc2_ = conv_relu(layers, "encoder.convc2", 256, 192, 3);
}

void MotionEncoder::operator()(std::int64_t iteration, Correlation& correlation, ConstView flow,
                               View motion, Context& ctx) const {
  const Arena::Scope scope(ctx.arena());
  const Nhwc& s = flow.shape;
  const std::int64_t seen = (convc2_ ? *convc2_ : convc1_).out_channels();
  const std::int64_t moved = convf2_.out_channels();
  const View both = ctx.arena().view({s.n, s.h, s.w, seen + moved});
  encode_correlation(iteration, correlation, flow, both.channels(0, seen), ctx);
  conv2d(run(convf1_, flow, ctx), convf2_, both.channels(seen, seen + moved), ctx);
  conv2d(both, conv_, motion.channels(0, motion.shape.c - 2), ctx);
  copy(flow, motion.channels(motion.shape.c - 2, motion.shape.c));
}

void MotionEncoder::encode_correlation(std::int64_t iteration, Correlation& correlation,
                                       ConstView flow, View seen, Context& ctx) const {
  const Arena::Scope scope(ctx.arena());
  const Nhwc& s = flow.shape;
  const View inner = convc2_ ? ctx.arena().view({s.n, s.h, s.w, convc1_.out_channels()}) : seen;
  {
    const Arena::Scope input(ctx.arena());
    const View found = ctx.arena().view({s.n, s.h, s.w, correlation.channels()});
    correlation.lookup(flow, found, ctx);
    if (ctx.tracing()) ctx.trace(text_of(iteration, ".correlation"), found);
    conv2d(found, convc1_, inner, ctx);
  }
  if (convc2_) conv2d(inner, *convc2_, seen, ctx);
}

UpdateBlock::UpdateBlock(LayerSource& layers, const RaftVariant& variant, std::int64_t correlations)
    : variant_(variant),
      motion_encoder_(layers, variant, correlations),
      flow_conv1_(
          conv_relu(layers, "flow_head.conv1", variant.hidden, variant.large ? 256 : 128, 3)),
      flow_conv2_(layers.packed_conv(text_of(kName, "flow_head.conv2"),
                                     {2, variant.large ? 256 : 128, 3, 3},
                                     {.padding_h = 1, .padding_w = 1})) {
  const std::int64_t hidden = variant.hidden;
  const std::int64_t channels = hidden + variant.context + variant.motion;
  const auto add_unit = [&](const char* suffix, std::int64_t kernel_h, std::int64_t kernel_w) {
    gru_.push_back(layers.conv_gru(text_of(kName, "gru"), suffix,
                                   {hidden, channels, kernel_h, kernel_w}, variant.context));
  };
  if (variant.large) {
    add_unit("1", 1, 5);
    add_unit("2", 5, 1);
    mask_conv1_ = conv_relu(layers, "mask.0", hidden, 256, 3);
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
  const Nhwc& s = state.unit.shape;
  const std::int64_t hidden = variant_.hidden;
  activate(state.hidden, {.kind = Activation::Kind::tanh}, state.hidden, ctx);
  const View inputs = state.context.channels(hidden, hidden + variant_.context);
  activate(inputs, Activation::relu(), inputs, ctx);
  for (std::size_t i = 0; i < gru_.size(); ++i) {
    state.constants[i] = ctx.arena().view({s.n, s.h, s.w, 3 * hidden});
    conv_gru_constants(inputs, gru_[i], state.constants[i], ctx);
  }
}

void UpdateBlock::operator()(std::int64_t iteration, Correlation& correlation, State& state,
                             View flow, Context& ctx) const {
  const Arena::Scope scope(ctx.arena());
  motion_encoder_(iteration, correlation, flow, state.motion, ctx);
  for (std::size_t i = 0; i < gru_.size(); ++i) {
    conv_gru(state.unit, state.constants[i], gru_[i], ctx);
  }
  conv2d(run(flow_conv1_, state.hidden, ctx), {.after = flow}, flow_conv2_, flow, ctx);
}

View UpdateBlock::upsampling_mask(const State& state, Context& ctx) const {
  const Nhwc& s = state.hidden.shape;
  const View mask = ctx.arena().view({s.n, s.h, s.w, mask_conv2_->out_channels()});
  const Arena::Scope scope(ctx.arena());
  conv2d(run(*mask_conv1_, state.hidden, ctx), *mask_conv2_, mask, ctx);
  return mask;
}

}  // namespace hewn
