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
  const std::int64_t rows = file.tensors().shape_of("visual.positional_embedding", 2)[0];
  const auto side =
      static_cast<std::int64_t>(std::lround(std::sqrt(static_cast<double>(rows - 1))));
  require(side >= 1 && side * side == rows - 1, file.path(),
          ": tensor 'visual.positional_embedding': expected a row for the class and for each patch "
          "of a square, got ",
          rows, " rows");
  return side;
}

/// The patches as tokens. It has no bias, and is a part of what the trace has as its output.
ConvLayer read_conv1(WeightsReader& file) {
  const Shape shape = file.shape_of("visual.conv1.weight", 4);
  const std::int64_t patch = shape[2];
  const std::vector<float> weight =
      file.values("visual.conv1.weight", {shape[0], kColours, patch, patch});
  const Conv2dParams params{.stride_h = patch, .stride_w = patch};
  return ConvLayer({"visual.conv1", params, {.shape = shape, .weight = weight}}).silent();
}

}  // namespace

ImageTower::ImageTower(FileLayers& file)
    : patch_(file.tensors().shape_of("visual.conv1.weight", 4)[2]),
      grid_(grid_side(file)),
      conv1_(read_conv1(file.tensors())),
      class_token_(file.tensors().values("visual.class_embedding", Shape{conv1_.out_channels()})),
      positions_({1, grid_, grid_, conv1_.out_channels()}),
      ln_pre_(file.layer_norm("visual.ln_pre", conv1_.out_channels())),
      transformer_(file, "visual.transformer", conv1_.out_channels(), heads(file, "image_heads"),
                   clip_activation(file)),
      ln_post_(file.layer_norm("visual.ln_post", conv1_.out_channels())),
      proj_(projection(file, "visual.proj", conv1_.out_channels())) {
  const auto embedding =
      file.tensors().values("visual.positional_embedding", {1 + grid_ * grid_, width()});
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
  // Each picture is a thread's own, as long as there is one for every thread, and those left over
  // run one after the other: the activations of one picture stay in L2, and threads need not wait
  // for each other.
  const auto picture = [&](std::int64_t i, Context& context) {
    const auto part = TracedPart::images(context.tracer(), i, n);
    run(pictures.image(i), prompts, features.columns(i, i + 1), context);
  };
  const std::int64_t alone = ctx.threads() == 1 ? 0 : n - n % ctx.threads();
  if (alone > 0) {
    const std::span<Context> contexts = ctx.serial_contexts();
    parallel_for(ctx, alone, 1, [&](std::int64_t begin, std::int64_t end, int worker) {
      for (std::int64_t i = begin; i < end; ++i) {
        picture(i, contexts[static_cast<std::size_t>(worker)]);
      }
    });
  }
  for (std::int64_t i = alone; i < n; ++i) picture(i, ctx);
}

void ImageTower::run(ConstView picture, const ImagePrompts* prompts, View feature,
                     Context& ctx) const {
  const Arena::Scope scope(ctx.arena());
  const std::int64_t patches = grid_ * grid_;
  const std::int64_t learned = prompts == nullptr ? 0 : prompts->tokens.shape().w;
  const View x = ctx.arena().view({1, 1, 1 + patches + learned, width()});

  // The class token, the patches and, behind them, the learned tokens, which have no position.
  std::ranges::copy(class_token_, x.pixel(0, 0, 0));
  conv1_(picture, {.after = positions_.view()}, View(x.pixel(0, 0, 1), positions_.shape()), ctx);
  if (prompts != nullptr) put_tokens(prompts->tokens.view(), 1 + patches, x);
  ctx.trace(conv1_.name(), x);
  ln_pre_(x, x, ctx);
  ctx.trace(ln_pre_.name(), x);

  DeepPrompts deep;
  if (prompts != nullptr) deep = {.first = 1 + patches, .before = prompts->deep};
  constexpr std::int32_t kClassToken[] = {0};
  const View y = ctx.arena().view({1, 1, 1, width()});
  transformer_(x, {}, deep, kClassToken, y, ctx);
  ln_post_(y, y, ctx);
  proj_(y, feature, ctx);
  l2_normalize(feature, feature, ctx);
}

}  // namespace hewn
