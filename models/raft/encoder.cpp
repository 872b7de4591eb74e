#include "hewn/models/raft/encoder.h"

#include "hewn/runtime/error.h"

#include <span>
#include <utility>

namespace hewn {

namespace {

/// Values 0 to 1 to −1 to 1, in the arena of the Context.
View normalised(ConstView image, Context& ctx) {
  const View y = ctx.arena().view(image.shape);
  copy(image, y);
  for (float& value : std::span(y.data, static_cast<std::size_t>(y.shape.count()))) {
    value = 2 * value - 1;
  }
  return y;
}

}  // namespace

ResidualBlock::ResidualBlock(LayerSource& layers, const RaftVariant& variant, std::string name,
                             std::int64_t in, std::int64_t out, std::int64_t stride, ConvNorm norm)
    : name_(std::move(name)) {
  const auto conv = [&](const char* part, std::int64_t from, std::int64_t to,
                        const ConvOptions& options = {}) {
    return layers.normed_conv(name_ + part, from, to, norm, options);
  };
  if (variant.large) {
    convs_.push_back(conv(".conv1", in, out, {.stride = stride}));
    convs_.push_back(conv(".conv2", out, out));
  } else {
    const std::int64_t inner = out / 4;
    convs_.push_back(conv(".conv1", in, inner, {.kernel = 1}));
    convs_.push_back(conv(".conv2", inner, inner, {.stride = stride}));
    convs_.push_back(conv(".conv3", inner, out, {.kernel = 1}));
  }
  if (stride != 1) {
    shortcut_ = conv(".downsample.0", in, out, {.kernel = 1, .stride = stride});
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
    (*shortcut_)(x, {.before = y}, y, ctx);
  } else if (last.output_shape(inner.shape) == inner.shape) {
    // Both terms have been rectified, so their sum needs no activation.
    last.use_up(inner, {.after = x}, y, ctx);
  } else {
    last(inner, {.after = x}, y, ctx);
  }
  ctx.trace(name_, y);
  return y;
}

RaftEncoder::RaftEncoder(LayerSource& layers, const RaftVariant& variant, const std::string& name,
                         std::int64_t outputs, ConvNorm norm)
    : conv1_(layers.normed_conv(name + ".conv1", 3, variant.channels[0], norm,
                                {.kernel = 7, .stride = 2})),
      conv2_(layers.conv(name + ".conv2", variant.channels[2], outputs,
                         {.kernel = 1, .activation = {}})) {
  std::int64_t in = variant.channels[0];
  for (int stage = 1; const std::int64_t out : variant.channels) {
    const std::string layer = text_of(name, ".layer", stage, ".");
    blocks_.emplace_back(layers, variant, layer + "0", in, out, stage == 1 ? 1 : 2, norm);
    blocks_.emplace_back(layers, variant, layer + "1", out, out, 1, norm);
    in = out;
    ++stage;
  }
}

// Image by image, which takes less memory.
void RaftEncoder::operator()(ConstView images, View features, Context& ctx) const {
  for (std::int64_t n = 0; n < images.shape.n; ++n) {
    const auto part = TracedPart::images(ctx.tracer(), n, images.shape.n);
    encode(images.image(n), features.image(n), ctx);
  }
}

void RaftEncoder::encode(ConstView image, View features, Context& ctx) const {
  const Arena::Scope scope(ctx.arena());
  View x = ctx.arena().view(conv1_.output_shape(image.shape));
  {
    const Arena::Scope input(ctx.arena());
    conv1_(normalised(image, ctx), x, ctx);
  }
  ctx.trace(conv1_.name(), x);
  for (const ResidualBlock& block : blocks_) x = block(x, ctx);
  conv2_(x, features, ctx);
}

}  // namespace hewn
