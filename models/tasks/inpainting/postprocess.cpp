#include "hewn/models/tasks/inpainting/postprocess.h"

#include "hewn/models/tasks/inpainting/fast_marching.h"
#include "hewn/models/tasks/inpainting/hole.h"
#include "hewn/runtime/error.h"

#include <algorithm>

namespace hewn {

namespace {

/// Calls visit(pixel) for the pixels of the hole.
template <typename Visit>
void for_each_missing(const Hole& hole, const Visit& visit) {
  for (std::int64_t i = 0; i < hole.pixels(); ++i) {
    if (hole.contains(i)) visit(i);
  }
}

void paste(ConstView picture, const Hole& hole, ConstView raw, View y) {
  copy(picture, y);
  for_each_missing(
      hole, [&](std::int64_t i) { std::copy_n(raw.pixel(0, 0, i), y.shape.c, y.pixel(0, 0, i)); });
}

void fill_by_fast_marching(ConstView picture, ConstView mask, View y, const Context& ctx) {
  inpaint_fast_marching(picture, mask, kPostprocessRadius, y);
  ctx.trace("fast_marching", y);
}

PoissonSolution blend(ConstView raw, ConstView destination, ConstView region, View y,
                      Context& ctx) {
  const PoissonSolution solution = blend_poisson(raw, destination, region, y, ctx);
  ctx.trace("poisson", y);
  return solution;
}

PoissonSolution blend_into_filled(ConstView picture, ConstView mask, const Hole& hole,
                                  ConstView raw, View y, Context& ctx) {
  const Arena::Scope scope(ctx.arena());
  const View filled = ctx.arena().view(y.shape);
  fill_by_fast_marching(picture, mask, filled, ctx);
  const Hole inner = eroded(hole, kPostprocessErosion);
  const View region = ctx.arena().view(mask.shape);
  std::ranges::copy(inner.inside, region.data);
  return blend(raw, filled, region, y, ctx);
}

}  // namespace

PoissonSolution postprocess(ConstView picture, ConstView mask, ConstView raw, Postprocess way,
                            View y, Context& ctx) {
  const Hole hole = hole_of("postprocess", picture, mask);
  require(raw.shape == picture.shape, "postprocess: expected a network's output of ", picture.shape,
          ", got ", raw.shape);
  require(y.shape == picture.shape, "postprocess: expected a result of ", picture.shape, ", got ",
          y.shape);
  PoissonSolution solution;
  if (hole.full() || way == Postprocess::none) {
    paste(picture, hole, raw, y);
  } else if (way == Postprocess::fmm) {
    fill_by_fast_marching(picture, mask, y, ctx);
  } else if (way == Postprocess::poisson) {
    solution = blend(raw, picture, mask, y, ctx);
  } else {
    solution = blend_into_filled(picture, mask, hole, raw, y, ctx);
  }
  for_each_missing(hole, [&](std::int64_t i) {
    float* values = y.pixel(0, 0, i);
    for (std::int64_t c = 0; c < y.shape.c; ++c) values[c] = std::clamp(values[c], 0.0F, 1.0F);
  });
  return solution;
}

}  // namespace hewn
