#include "hewn/models/clip/image_tower.h"

#include "hewn/models/clip/config.h"
#include "hewn/ops/normalize/normalize.h"
#include "hewn/runtime/error.h"
#include "hewn/runtime/parallel.h"

#include <algorithm>
#include <cmath>

namespace hewn {

namespace {

constexpr std::int64_t kColours = 3;

/// The side of a grid with one place less than the positional embedding has rows.
std::int64_t grid_side(const FileLayers& file) {
  const std::int64_t rows = file.shape_of("visual.positional_embedding", 2)[0];
  const auto side =
      static_cast<std::int64_t>(std::lround(std::sqrt(static_cast<double>(rows - 1))));
  require(side >= 1 && side * side == rows - 1, file.path(),
          ": tensor 'visual.positional_embedding': expected a row for the class and for each patch "
          "of a square, got ",
          rows, " rows");
  return side;
}

PackedConv2d read_conv1(FileLayers& file) {
  const Shape shape = file.shape_of("visual.conv1.weight", 4);
  const std::int64_t patch = shape[2];
  const std::vector<float> weight =
      file.values("visual.conv1.weight", {shape[0], kColours, patch, patch});
  return {
      "visual.conv1", {.stride_h = patch, .stride_w = patch}, {.shape = shape, .weight = weight}};
}

}  // namespace

ImageTower::ImageTower(FileLayers& file)
    : patch_(file.shape_of("visual.conv1.weight", 4)[2]),
      grid_(grid_side(file)),
      conv1_(read_conv1(file)),
      class_token_(file.values("visual.class_embedding", Shape{conv1_.out_channels()})),
      positions_({1, grid_, grid_, conv1_.out_channels()}),
      ln_pre_(file, "visual.ln_pre", conv1_.out_channels()),
      transformer_(file, "visual.transformer", conv1_.out_channels(), heads(file, "image_heads"),
                   clip_activation(file)),
      ln_post_(file, "visual.ln_post", conv1_.out_channels()),
      proj_(projection(file, "visual.proj", conv1_.out_channels())) {
  const auto embedding = file.values("visual.positional_embedding", {1 + grid_ * grid_, width()});
  for (std::size_t i = 0; i < class_token_.size(); ++i) class_token_[i] += embedding[i];
  std::copy(embedding.begin() + width(), embedding.end(), positions_.values().begin());
}

void ImageTower::operator()(ConstView pictures, const ImagePrompts* prompts, View features,
                            Context& ctx) const {
  const std::int64_t n = pictures.shape.n;
  const Nhwc expected{n, picture_size(), picture_size(), kColours};
  require(pictures.shape == expected, "image tower: expected pictures of ", expected, ", got ",
          pictures.shape);
  const Nhwc out{1, 1, n, embedding_size()};
  require(features.shape == out, "image tower: expected features of ", out, ", got ",
          features.shape);
  // A trace and a profile see all pictures together. Else each is run alone, as long as there is
  // one for every thread, and those left over one after the other: the activations of one picture
  // stay in L2, and threads need not wait for each other. The bits are the same.
  const auto part = [&](std::int64_t first, std::int64_t count, Context& context) {
    run(pictures.images(first, first + count), prompts, features.columns(first, first + count),
        context);
  };
  if (ctx.tracing() || ctx.profiler().enabled()) return part(0, n, ctx);
  const std::int64_t alone = ctx.threads() == 1 ? 0 : n - n % ctx.threads();
  if (alone > 0) {
    const std::span<Context> contexts = ctx.serial_contexts();
    parallel_for(ctx, alone, 1, [&](std::int64_t begin, std::int64_t end, int worker) {
      for (std::int64_t i = begin; i < end; ++i) {
        part(i, 1, contexts[static_cast<std::size_t>(worker)]);
      }
    });
  }
  for (std::int64_t i = alone; i < n; ++i) part(i, 1, ctx);
}

void ImageTower::run(ConstView pictures, const ImagePrompts* prompts, View features,
                     Context& ctx) const {
  const Arena::Scope scope(ctx.arena());
  const std::int64_t n = pictures.shape.n;
  const std::int64_t patches = grid_ * grid_;
  const std::int64_t learned = prompts == nullptr ? 0 : prompts->tokens.shape().w;
  const View x = ctx.arena().view({n, 1, 1 + patches + learned, width()});

  // The class token, the patches and, behind them, the learned tokens, which have no position.
  for (std::int64_t i = 0; i < n; ++i) {
    std::ranges::copy(class_token_, x.pixel(i, 0, 0));
    conv2d(pictures.image(i), {.after = positions_.view()}, conv1_,
           View(x.pixel(i, 0, 1), positions_.shape()), ctx);
  }
  if (prompts != nullptr) put_tokens(prompts->tokens.view(), 1 + patches, x);
  ctx.trace("visual.conv1", x);
  ln_pre_(x, x, ctx);
  ctx.trace("visual.ln_pre", x);

  DeepPrompts deep;
  if (prompts != nullptr) deep = {.first = 1 + patches, .before = prompts->deep};
  constexpr std::int32_t kClassToken[] = {0};
  const View y = ctx.arena().view({n, 1, 1, width()});
  transformer_(x, {}, deep, kClassToken, y, ctx);
  ln_post_(y, y, ctx);
  linear(y.reshaped({1, 1, n, width()}), proj_, features, ctx);
  l2_normalize(features, features, ctx);
}

}  // namespace hewn
