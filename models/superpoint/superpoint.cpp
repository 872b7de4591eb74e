#include "hewn/models/superpoint/superpoint.h"

#include "hewn/ops/depth_to_space/depth_to_space.h"
#include "hewn/ops/normalize/normalize.h"
#include "hewn/ops/softmax/softmax.h"
#include "hewn/runtime/error.h"

#include <utility>

namespace hewn {

namespace {

constexpr std::int64_t kCellPixels = SuperPoint::kCell * SuperPoint::kCell;
ConvLayer conv3x3(LayerSource& layers, const char* name, std::int64_t in, std::int64_t out) {
  return layers.conv(name, {out, in, 3, 3},
                     {.padding_h = 1, .padding_w = 1, .activation = Activation::relu()});
}

ConvLayer conv1x1(LayerSource& layers, const char* name, std::int64_t in, std::int64_t out,
                  Activation activation = {}) {
  return layers.conv(name, {out, in, 1, 1}, {.activation = activation});
}

DescriptorSampling read_sampling(const FileLayers& layers) {
  return layers.config_choice<DescriptorSampling>("descriptor_sampling",
                                                  {{"none", DescriptorSampling::none},
                                                   {"magicleap", DescriptorSampling::magicleap},
                                                   {"half-pixel", DescriptorSampling::half_pixel}});
}

}  // namespace

SuperPoint::SuperPoint(LayerSource& layers, std::string form, DescriptorSampling sampling)
    : form_(std::move(form)),
      sampling_(sampling),
      conv1a_(conv3x3(layers, "conv1a", 1, 64)),
      conv1b_(conv3x3(layers, "conv1b", 64, 64)),
      conv2a_(conv3x3(layers, "conv2a", 64, 64)),
      conv2b_(conv3x3(layers, "conv2b", 64, 64)),
      conv3a_(conv3x3(layers, "conv3a", 64, 128)),
      conv3b_(conv3x3(layers, "conv3b", 128, 128)),
      conv4a_(conv3x3(layers, "conv4a", 128, 128)),
      conv4b_(conv3x3(layers, "conv4b", 128, 128)),
      convPa_(conv3x3(layers, "convPa", 128, 256)),
      convPb_(conv1x1(layers, "convPb", 256, kCellPixels + 1)) {
  if (form_ == "conv5a") conv5a_ = conv1x1(layers, "conv5a", 128, 128, Activation::relu());
  if (sampling_ != DescriptorSampling::none) {
    convDa_ = conv3x3(layers, "convDa", 128, 256);
    convDb_ = conv1x1(layers, "convDb", 256, 256);
  }
}

SuperPoint::SuperPoint(FileLayers layers)
    : SuperPoint(layers, layers.config("form"), read_sampling(layers)) {
  layers.expect_nothing_left();
}

SuperPoint::SuperPoint(const SafetensorsFile& file, Conv2dPacking packing)
    : SuperPoint(FileLayers(file, "superpoint", packing)) {}

SuperPoint SuperPoint::random(std::uint64_t seed, Conv2dPacking packing) {
  RandomLayers layers(seed, packing);
  return {layers, "random", DescriptorSampling::magicleap};
}

SuperPoint::Output SuperPoint::forward(ConstView image, Context& ctx) const {
  const Nhwc& s = image.shape;
  require(s.c == 1 && s.h >= kCell && s.w >= kCell,
          "SuperPoint: expected a gray picture of at least 8 × 8 pixels, got ", s);
  Arena& arena = ctx.arena();
  const std::int64_t rows = s.h / kCell;
  const std::int64_t columns = s.w / kCell;

  const View features = arena.view({s.n, rows, columns, conv4b_.conv().out_channels()});
  encode(image, features, ctx);

  const Output out{.semi = arena.view({s.n, rows, columns, kCellPixels + 1}),
                   .scores = arena.view({s.n, rows * kCell, columns * kCell, 1}),
                   .descriptors = arena.view(
                       {s.n, rows, columns, convDb_ ? convDb_->conv().out_channels() : 0})};
  detect(features, out, ctx);
  if (convDb_) describe(features, out, ctx);
  return out;
}

// Shared encoder: (h, w, 1) → (h/8, w/8, 128).
void SuperPoint::encode(ConstView image, View features, Context& ctx) const {
  const Arena::Scope scope(ctx.arena());
  View x = conv_conv_max_pool(conv1a_, conv1b_, image, ctx);
  x = conv_conv_max_pool(conv2a_, conv2b_, x, ctx);
  x = conv_conv_max_pool(conv3a_, conv3b_, x, ctx);
  x = conv4a_(x, ctx);
  if (conv5a_) {
    (*conv5a_)(conv4b_(x, ctx), features, ctx);
  } else {
    conv4b_(x, features, ctx);
  }
}

// Interest point decoder: the 64 pixels of a cell and the dustbin "no point here" share one
// softmax.
void SuperPoint::detect(ConstView features, const Output& out, Context& ctx) const {
  const Arena::Scope scope(ctx.arena());
  convPb_(convPa_(features, ctx), out.semi, ctx);
  const View probabilities = ctx.arena().view(out.semi.shape);
  softmax(out.semi, probabilities, ctx);
  depth_to_space(probabilities.channels(0, kCellPixels), kCell, out.scores, ctx);
}

// Descriptor decoder: one vector of length 1 for each cell.
void SuperPoint::describe(ConstView features, const Output& out, Context& ctx) const {
  const Arena::Scope scope(ctx.arena());
  (*convDb_)((*convDa_)(features, ctx), out.descriptors, ctx);
  l2_normalize(out.descriptors, out.descriptors, ctx);
}

}  // namespace hewn
