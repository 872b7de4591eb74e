#include "hewn/ops/convex_upsample/convex_upsample.h"

#include "hewn/ops/convex_upsample/kernels.h"
#include "hewn/runtime/error.h"
#include "hewn/runtime/isa/kernels.h"
#include "hewn/runtime/operands.h"
#include "hewn/runtime/parallel.h"

namespace hewn {

namespace {

constexpr std::int64_t kNeighbours = 9;

/// The vectors around pixel (y, x), in pixels of the fine grid; zero outside of the picture.
void gather_neighbours(ConstView flow, std::int64_t n, std::int64_t y, std::int64_t x, float scale,
                       float (&neighbours)[kNeighbours][2]) {
  for (std::int64_t k = 0; k < kNeighbours; ++k) {
    const std::int64_t row = y + k / 3 - 1;
    const std::int64_t column = x + k % 3 - 1;
    const bool inside = row >= 0 && row < flow.shape.h && column >= 0 && column < flow.shape.w;
    const float* vector = inside ? flow.pixel(n, row, column) : nullptr;
    neighbours[k][0] = inside ? scale * vector[0] : 0;
    neighbours[k][1] = inside ? scale * vector[1] : 0;
  }
}

/// Fine vectors, by component, to their places.
void scatter(const float* xs, const float* ys, std::int64_t factor, std::int64_t n,
             std::int64_t row, std::int64_t column, View to) {
  for (std::int64_t i = 0; i < factor; ++i) {
    float* at = to.pixel(n, factor * row + i, factor * column);
    for (std::int64_t j = 0; j < factor; ++j, at += to.pixel_stride) {
      at[0] = *xs++;
      at[1] = *ys++;
    }
  }
}

}  // namespace

void convex_upsample(ConstView flow, ConstView logits, std::int64_t factor, View y, Context& ctx) {
  require(factor >= 1 && factor <= INT16_MAX, "convex_upsample: factor: expected 1 to ", INT16_MAX,
          ", got ", factor);
  const Nhwc& s = flow.shape;
  const std::int64_t fine = factor * factor;
  require(s.c == 2, "convex_upsample: expected a flow of 2 channels, got ", s);
  const Nhwc logits_shape{s.n, s.h, s.w, kNeighbours * fine};
  require(logits.shape == logits_shape, "convex_upsample: expected logits of ", logits_shape,
          ", got ", logits.shape);
  const Nhwc y_shape{s.n, checked_multiply(factor, s.h), checked_multiply(factor, s.w), 2};
  require(y.shape == y_shape, "convex_upsample: expected an output of ", y_shape, ", got ",
          y.shape);
  check_operands("convex_upsample", "", {{"flow", flow}, {"logits", logits}}, y);
  if (y_shape.count() == 0) return;
  const auto vectors = static_cast<double>(y_shape.pixels());
  const auto floats = static_cast<double>(logits_shape.count() + y_shape.count() + s.count());
  // For each neighbour: a difference, an exponential counted as one, a sum and two products.
  const ProfileScope profile(ctx.profiler(), "convex_upsample", "",
                             {.flops = 7 * kNeighbours * vectors, .bytes = 4 * floats});
  const auto& kernels = select_kernels<ConvexUpsampleKernels>(ctx.isa());
  const Arena::Scope scope(ctx.arena());
  const View scratch = ctx.arena().view({ctx.threads(), 1, 2, fine});
  parallel_for(ctx, s.n * s.h, 1, [&](std::int64_t begin, std::int64_t end, int worker) {
    ConvexUpsamplePixel pixel{.logits = nullptr,
                              .neighbours = {},
                              .fine = fine,
                              .x = scratch.pixel(worker, 0, 0),
                              .y = scratch.pixel(worker, 0, 1)};
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t n = i / s.h;
      const std::int64_t row = i % s.h;
      for (std::int64_t column = 0; column < s.w; ++column) {
        gather_neighbours(flow, n, row, column, static_cast<float>(factor), pixel.neighbours);
        pixel.logits = logits.pixel(n, row, column);
        kernels.pixel(pixel);
        scatter(pixel.x, pixel.y, factor, n, row, column, y);
      }
    }
  });
}

}  // namespace hewn
