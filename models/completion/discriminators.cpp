#include "hewn/models/completion/discriminators.h"

#include "hewn/ops/pool2d/pool2d.h"
#include "hewn/ops/resize/resize.h"
#include "hewn/runtime/error.h"

#include <algorithm>
#include <span>
#include <string>

namespace hewn {

namespace {

constexpr std::int64_t kVector = 1024;  // what either discriminator makes of its picture

ConvLayer half(LayerSource& layers, const std::string& name, std::int64_t in, std::int64_t out) {
  return layers.conv(name, in, out, {.kernel = 5, .stride = 2});
}

/// A fully connected layer, which is a convolution of the whole 4 × 4 map.
ConvLayer vector(LayerSource& layers, const std::string& name) {
  return layers.conv(name, {kVector, 512, 4, 4}, {.activation = Activation::relu()});
}

void run(std::span<const ConvLayer> layers, ConstView x, View y, Context& ctx) {
  for (const ConvLayer& layer : layers.first(layers.size() - 1)) x = layer(x, ctx);
  layers.back()(x, y, ctx);
}

/// The first place of `side` pixels around the middle of [begin, end), inside [0, size).
std::int64_t around(std::int64_t begin, std::int64_t end, std::int64_t side, std::int64_t size) {
  return std::clamp<std::int64_t>((begin + end - side) / 2, 0, size - side);
}

Rectangle square_around(const Rectangle& r, std::int64_t side, std::int64_t height,
                        std::int64_t width) {
  return {around(r.top, r.bottom(), side, height), around(r.left, r.right(), side, width), side,
          side};
}

Rectangle bounding_box(ConstView mask) {
  std::int64_t top = mask.shape.h;
  std::int64_t left = mask.shape.w;
  std::int64_t bottom = 0;
  std::int64_t right = 0;
  for (std::int64_t y = 0; y < mask.shape.h; ++y) {
    for (std::int64_t x = 0; x < mask.shape.w; ++x) {
      if (*mask.pixel(0, y, x) == 0) continue;
      top = std::min(top, y);
      left = std::min(left, x);
      bottom = std::max(bottom, y + 1);
      right = std::max(right, x + 1);
    }
  }
  return Rectangle::of_sides(top, left, bottom, right);
}

ConstView crop(ConstView picture, const Rectangle& r) {
  return picture.window(r.top, r.left, r.height, r.width);
}

/// A square picture, scaled: averaged over whole blocks of pixels as far as that goes, so that
/// nothing is skipped, and interpolated from there.
ConstView scale(ConstView square, std::int64_t side, Context& ctx) {
  const std::int64_t block = square.shape.h / side;
  if (block > 1) {
    const Pool2dParams blocks{
        .kernel_h = block, .kernel_w = block, .stride_h = block, .stride_w = block};
    const View mean = ctx.arena().view(pool2d_output_shape(square.shape, blocks));
    avg_pool2d(square, blocks, mean, ctx);
    square = mean;
  }
  if (square.shape.h == side) return square;
  const View scaled = ctx.arena().view({1, side, side, square.shape.c});
  resize(square, {}, scaled, ctx);
  return scaled;
}

FileLayers layers_of(const SafetensorsFile& file, Conv2dPacking packing) {
  FileLayers layers(file, "completion", packing);
  require(layers.has("joint.linear"), file.path().string(),
          ": expected weights with discriminators, as 'weights_tools.convert completion "
          "--discriminator D.pth' makes them");
  return layers;
}

}  // namespace

ContextDiscriminators::ContextDiscriminators(LayerSource& layers)
    : local_{half(layers, "local.conv1", 3, 64),     //
             half(layers, "local.conv2", 64, 128),   //
             half(layers, "local.conv3", 128, 256),  //
             half(layers, "local.conv4", 256, 512),  //
             half(layers, "local.conv5", 512, 512),  //
             vector(layers, "local.linear6")},
      global_{half(layers, "global.conv1", 3, 64),     //
              half(layers, "global.conv2", 64, 128),   //
              half(layers, "global.conv3", 128, 256),  //
              half(layers, "global.conv4", 256, 512),  //
              half(layers, "global.conv5", 512, 512),  //
              half(layers, "global.conv6", 512, 512),  //
              vector(layers, "global.linear7")},
      joint_(layers.conv("joint.linear", {1, 2 * kVector, 1, 1},
                         {.activation = {.kind = Activation::Kind::sigmoid}})) {}

ContextDiscriminators::ContextDiscriminators(FileLayers layers)
    : ContextDiscriminators(static_cast<LayerSource&>(layers)) {}

ContextDiscriminators::ContextDiscriminators(const SafetensorsFile& file, Conv2dPacking packing)
    : ContextDiscriminators(layers_of(file, packing)) {}

ContextDiscriminators ContextDiscriminators::random(std::uint64_t seed, Conv2dPacking packing) {
  RandomLayers layers(seed, packing, {{"joint.linear", 1}});
  return ContextDiscriminators(layers);
}

float ContextDiscriminators::operator()(ConstView patch, ConstView picture, Context& ctx) const {
  require(
      patch.shape == Nhwc{1, kPatch, kPatch, 3} && picture.shape == Nhwc{1, kPicture, kPicture, 3},
      "discriminators: expected a patch of ", Nhwc{1, kPatch, kPatch, 3}, " and a picture of ",
      Nhwc{1, kPicture, kPicture, 3}, ", got ", patch.shape, " and ", picture.shape);
  const Arena::Scope scope(ctx.arena());
  const View both = ctx.arena().view({1, 1, 1, 2 * kVector});
  run(local_, patch, both.channels(0, kVector), ctx);
  run(global_, picture, both.channels(kVector, 2 * kVector), ctx);
  return *joint_(both, ctx).data;
}

Rectangle score_window(ConstView mask) {
  const Nhwc& s = mask.shape;
  const Rectangle hole = bounding_box(mask);
  require(hole.height > 0, "discriminators: the mask has no hole to look at");
  // In training, holes are at most the size of the patch, and pictures are twice as large.
  constexpr std::int64_t kStep = ContextDiscriminators::kPicture;
  const std::int64_t wanted = round_up(2 * std::max(hole.height, hole.width), kStep);
  return square_around(hole, std::min({wanted, s.h, s.w}), s.h, s.w);
}

float score_completion(const ContextDiscriminators& discriminators, ConstView picture,
                       ConstView mask, Context& ctx) {
  constexpr std::int64_t kPicture = ContextDiscriminators::kPicture;
  constexpr std::int64_t kPatch = ContextDiscriminators::kPatch;
  const Nhwc& s = picture.shape;
  require(s.n == 1 && s.c == 3 && mask.shape == Nhwc{1, s.h, s.w, 1},
          "discriminators: expected an RGB picture and a mask of its size, got ", s, " and ",
          mask.shape);
  const Rectangle window = score_window(mask);
  const Rectangle hole = bounding_box(mask);
  const Arena::Scope scope(ctx.arena());
  const ConstView whole = scale(crop(picture, window), kPicture, ctx);
  const auto scaled = [&](std::int64_t place) { return place * kPicture / window.height; };
  const auto hole_there =
      Rectangle::of_sides(scaled(hole.top - window.top), scaled(hole.left - window.left),
                          scaled(hole.bottom() - window.top), scaled(hole.right() - window.left));
  const ConstView patch = crop(whole, square_around(hole_there, kPatch, kPicture, kPicture));
  return discriminators(patch, whole, ctx);
}

}  // namespace hewn
