#include "hewn/models/raft/encoder.h"

#include "hewn/ops/instance_norm/instance_norm.h"
#include "hewn/runtime/error.h"

#include <span>
#include <utility>

namespace hewn {

namespace {

constexpr InstanceNormParams kNormRelu{.activation = Activation::relu()};

/// Values 0 to 1 to −1 to 1, in the arena of the Context.
View normalised(ConstView images, Context& ctx) {
  const View y = ctx.arena().view(images.shape);
  copy(images, y);
  for (float& value : std::span(y.data, static_cast<std::size_t>(y.shape.count()))) {
    value = 2 * value - 1;
  }
  return y;
}

}  // namespace

NormedConv::NormedConv(LayerSource& layers, const std::string& name, const Shape& shape,
                       std::int64_t stride, RaftNorm norm)
    : conv_(layers.packed_conv(
          name, shape,
          {.stride_h = stride,
           .stride_w = stride,
           .padding_h = shape[2] / 2,
           .padding_w = shape[3] / 2,
           .activation = norm == RaftNorm::none ? Activation::relu() : Activation{}})),
      norm_(norm) {}

void NormedConv::operator()(ConstView x, View y, Context& ctx) const {
  conv2d(x, conv_, y, ctx);
  if (norm_ == RaftNorm::instance) instance_norm(y, kNormRelu, y, ctx);
}

void NormedConv::add(ConstView x, View y, Context& ctx, const Addends& addends) const {
  if (norm_ == RaftNorm::none) return conv2d(x, addends, conv_, y, ctx);
  const Arena::Scope scope(ctx.arena());
  const View unnormalised = ctx.arena().view(y.shape);
  conv2d(x, conv_, unnormalised, ctx);
  instance_norm(unnormalised, addends, kNormRelu, y, ctx);
}

void NormedConv::add_using_up(View x, View y, Context& ctx, const Addends& addends) const {
  if (norm_ == RaftNorm::none) return conv2d(x, addends, conv_, y, ctx);
  conv2d_in_place(x, conv_, ctx);
  instance_norm(x, addends, kNormRelu, y, ctx);
}

ResidualBlock::ResidualBlock(LayerSource& layers, const RaftVariant& variant, std::string name,
                             std::int64_t in, std::int64_t out, std::int64_t stride, RaftNorm norm)
    : name_(std::move(name)) {
  const auto add = [&](const char* conv, const Shape& shape, std::int64_t conv_stride) {
    convs_.emplace_back(layers, name_ + conv, shape, conv_stride, norm);
  };
  if (variant.large) {
    add(".conv1", {out, in, 3, 3}, stride);
    add(".conv2", {out, out, 3, 3}, 1);
  } else {
    const std::int64_t inner = out / 4;
    add(".conv1", {inner, in, 1, 1}, 1);
    add(".conv2", {inner, inner, 3, 3}, stride);
    add(".conv3", {out, inner, 1, 1}, 1);
  }
  if (stride != 1) {
    shortcut_.emplace(layers, name_ + ".downsample.0", Shape{out, in, 1, 1}, stride, norm);
  }
}

View ResidualBlock::operator()(View x, Context& ctx) const {
  Arena& arena = ctx.arena();
  const View y = shortcut_ ? arena.view(shortcut_->output_shape(x.shape)) : x;
  const Arena::Scope scope(arena);
  View inner = x;
  for (std::size_t i = 0; i + 1 < convs_.size(); ++i) {
    const View next = arena.view(convs_[i].output_shape(inner.shape));
    convs_[i](inner, next, ctx);
    inner = next;
  }
  const NormedConv& last = convs_.back();
  if (shortcut_) {
    last(inner, y, ctx);
    shortcut_->add(x, y, ctx, {.before = y});
  } else if (last.output_shape(inner.shape) == inner.shape) {
    // Both terms have been rectified, so their sum needs no activation.
    last.add_using_up(inner, y, ctx, {.after = x});
  } else {
    last.add(inner, y, ctx, {.after = x});
  }
  ctx.trace(name_, y);
  return y;
}

RaftEncoder::RaftEncoder(LayerSource& layers, const RaftVariant& variant, const std::string& name,
                         std::int64_t outputs, RaftNorm norm)
    : name_(name),
      conv1_(layers, name + ".conv1", {variant.channels[0], 3, 7, 7}, 2, norm),
      conv2_(layers.conv(name + ".conv2", {outputs, variant.channels[2], 1, 1}, {})) {
  std::int64_t in = variant.channels[0];
  for (int stage = 1; const std::int64_t out : variant.channels) {
    const std::string layer = text_of(name, ".layer", stage, ".");
    blocks_.emplace_back(layers, variant, layer + "0", in, out, stage == 1 ? 1 : 2, norm);
    blocks_.emplace_back(layers, variant, layer + "1", out, out, 1, norm);
    in = out;
    ++stage;
  }
}

// Image by image, which takes less memory; a trace sees all of them at once.
void RaftEncoder::operator()(ConstView image, View features, Context& ctx) const {
  if (ctx.tracing()) return encode(image, features, ctx);
  for (std::int64_t n = 0; n < image.shape.n; ++n) {
    encode(image.image(n), features.image(n), ctx);
  }
}

void RaftEncoder::encode(ConstView images, View features, Context& ctx) const {
  const Arena::Scope scope(ctx.arena());
  View x = ctx.arena().view(conv1_.output_shape(images.shape));
  {
    const Arena::Scope input(ctx.arena());
    conv1_(normalised(images, ctx), x, ctx);
  }
  ctx.trace(name_ + ".conv1", x);
  for (const ResidualBlock& block : blocks_) x = block(x, ctx);
  conv2_(x, features, ctx);
}

}  // namespace hewn
