#include "hewn/models/superpoint/superpoint.h"

#include "hewn/ops/depth_to_space/depth_to_space.h"
#include "hewn/ops/normalize/normalize.h"
#include "hewn/ops/softmax/softmax.h"
#include "hewn/runtime/error.h"

#include <utility>

namespace hewn {

namespace {

constexpr std::int64_t kCellPixels = SuperPoint::kCell * SuperPoint::kCell;

DescriptorSampling read_sampling(const ModelConfig& config) {
  return config.choice<DescriptorSampling>("descriptor_sampling",
                                           {{"none", DescriptorSampling::none},
                                            {"magicleap", DescriptorSampling::magicleap},
                                            {"half-pixel", DescriptorSampling::half_pixel}});
}

}  // namespace

SuperPoint::SuperPoint(LayerSource& layers, std::string form, DescriptorSampling sampling)
    : form_(std::move(form)),
      sampling_(sampling),
      conv1a_(layers.conv("conv1a", 1, 64)),
      conv1b_(layers.conv("conv1b", 64, 64)),
      conv2a_(layers.conv("conv2a", 64, 64)),
      conv2b_(layers.conv("conv2b", 64, 64)),
      conv3a_(layers.conv("conv3a", 64, 128)),
      conv3b_(layers.conv("conv3b", 128, 128)),
      conv4a_(layers.conv("conv4a", 128, 128)),
      conv4b_(layers.conv("conv4b", 128, 128)),
      convPa_(layers.conv("convPa", 128, 256)),
      convPb_(layers.conv("convPb", 256, kCellPixels + 1, {.kernel = 1, .activation = {}})) {
  if (form_ == "conv5a") conv5a_ = layers.conv("conv5a", 128, 128, {.kernel = 1});
  if (sampling_ != DescriptorSampling::none) {
    convDa_ = layers.conv("convDa", 128, 256);
    convDb_ = layers.conv("convDb", 256, 256, {.kernel = 1, .activation = {}});
  }
}

SuperPoint::SuperPoint(FileLayers layers)
    : SuperPoint(layers, layers.config().text("form"), read_sampling(layers.config())) {
  layers.tensors().expect_nothing_left();
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

  const View features = arena.view({s.n, rows, columns, conv4b_.out_channels()});
  encode(image, features, ctx);

  const Output out{
      .semi = arena.view({s.n, rows, columns, kCellPixels + 1}),
      .scores = arena.view({s.n, rows * kCell, columns * kCell, 1}),
      .descriptors = arena.view({s.n, rows, columns, convDb_ ? convDb_->out_channels() : 0})};
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
