#include "hewn/models/superpoint/keypoints.h"

#include "hewn/ops/grid_sample/grid_sample.h"
#include "hewn/ops/normalize/normalize.h"
#include "hewn/ops/pool2d/pool2d.h"
#include "hewn/ops/resize/resize.h"
#include "hewn/runtime/error.h"
#include "hewn/runtime/parallel.h"

#include <algorithm>

namespace hewn {

namespace {

void require_heat_map(const char* what, ConstView scores) {
  const Nhwc& s = scores.shape;
  require(s.n == 1 && s.c == 1 && scores.dense(), what,
          ": expected a heat map [n 1, h, w, c 1], got ", s);
}

/// Calls body(i) for each of the view's elements, a range at a time on each thread.
template <typename Body>
void for_each_pixel(std::int64_t pixels, Context& ctx, const Body& body) {
  constexpr std::int64_t kGrain = 1 << 14;
  parallel_for(ctx, pixels, kGrain, [&](std::int64_t begin, std::int64_t end, int) {
    for (std::int64_t i = begin; i < end; ++i) body(i);
  });
}

}  // namespace

void suppress_non_maxima(ConstView scores, std::int64_t radius, View y, Context& ctx) {
  require_heat_map("suppress_non_maxima", scores);
  require(y.shape == scores.shape && y.dense(), "suppress_non_maxima: expected a result of ",
          scores.shape, ", got ", y.shape);
  require(radius >= 0, "nms radius: expected at least 0, got ", radius);
  const Arena::Scope scope(ctx.arena());
  const std::int64_t pixels = scores.shape.pixels();
  const std::int64_t side = 2 * radius + 1;
  const Pool2dParams window{.kernel_h = side,
                            .kernel_w = side,
                            .stride_h = 1,
                            .stride_w = 1,
                            .padding_h = radius,
                            .padding_w = radius};
  const View kept = ctx.arena().view(scores.shape);  // 1 where a keypoint stays, else 0
  const View near = ctx.arena().view(scores.shape);  // above 0 within `radius` of one that stays
  const View rest = ctx.arena().view(scores.shape);  // scores of what is not near one
  const View maxima = ctx.arena().view(scores.shape);

  max_pool2d(scores, window, maxima, ctx);
  for_each_pixel(pixels, ctx, [&](std::int64_t i) {
    kept.data[i] = scores.data[i] == maxima.data[i] ? 1.0F : 0.0F;
  });
  constexpr int kRecoveries = 2;
  for (int recovery = 0; recovery < kRecoveries; ++recovery) {
    max_pool2d(kept, window, near, ctx);
    for_each_pixel(pixels, ctx, [&](std::int64_t i) {
      rest.data[i] = near.data[i] > 0 ? 0.0F : scores.data[i];
    });
    max_pool2d(rest, window, maxima, ctx);
    for_each_pixel(pixels, ctx, [&](std::int64_t i) {
      const bool recovered = near.data[i] == 0 && rest.data[i] == maxima.data[i];
      kept.data[i] = recovered ? 1.0F : kept.data[i];
    });
  }
  for_each_pixel(pixels, ctx,
                 [&](std::int64_t i) { y.data[i] = kept.data[i] > 0 ? scores.data[i] : 0.0F; });
}

std::vector<Keypoint> select_keypoints(ConstView scores, const KeypointOptions& options,
                                       Context& ctx) {
  require(options.threshold >= 0, "threshold: expected at least 0, got ", options.threshold);
  require(options.border >= 0, "border: expected at least 0, got ", options.border);
  require(options.max_keypoints >= -1,
          "max keypoints: expected at least 0, or −1 for no limit, got ", options.max_keypoints);
  const Arena::Scope scope(ctx.arena());
  const View maxima = ctx.arena().view(scores.shape);
  suppress_non_maxima(scores, options.nms_radius, maxima, ctx);

  std::vector<Keypoint> keypoints;
  for (std::int64_t y = options.border; y < scores.shape.h - options.border; ++y) {
    for (std::int64_t x = options.border; x < scores.shape.w - options.border; ++x) {
      const float score = *maxima.pixel(0, y, x);
      if (score > options.threshold) {
        keypoints.push_back({static_cast<float>(x), static_cast<float>(y), score});
      }
    }
  }
  // Stable, so that equal scores keep the row-major order in which they were found.
  std::stable_sort(keypoints.begin(), keypoints.end(),
                   [](const Keypoint& a, const Keypoint& b) { return a.score > b.score; });
  const auto limit = static_cast<std::size_t>(options.max_keypoints);
  if (options.max_keypoints >= 0 && keypoints.size() > limit) keypoints.resize(limit);
  return keypoints;
}

Tensor sample_descriptors(ConstView descriptors, std::span<const Keypoint> keypoints,
                          DescriptorSampling sampling, Context& ctx) {
  require(descriptors.shape.n == 1 && sampling != DescriptorSampling::none,
          "sample_descriptors: expected the descriptors of one picture, got ", descriptors.shape);
  constexpr auto kCell = static_cast<float>(SuperPoint::kCell);
  const auto count = static_cast<std::int64_t>(keypoints.size());
  Tensor sampled({1, 1, count, descriptors.shape.c});
  const Arena::Scope scope(ctx.arena());
  const View grid = ctx.arena().view({1, 1, count, 2});
  const bool aligned = sampling == DescriptorSampling::magicleap;
  const auto to_grid = [aligned](float at, std::int64_t cells) {
    const float size = static_cast<float>(cells) * kCell;
    // The constants of the public implementations; grid_sample's coordinates run from −1 to 1.
    const float unit =
        aligned ? (at - kCell / 2 + 0.5F) / (size - kCell / 2 - 0.5F) : (at + 0.5F) / size;
    return unit * 2 - 1;
  };
  for (std::int64_t i = 0; i < count; ++i) {
    const Keypoint& keypoint = keypoints[static_cast<std::size_t>(i)];
    grid.pixel(0, 0, i)[0] = to_grid(keypoint.x, descriptors.shape.w);
    grid.pixel(0, 0, i)[1] = to_grid(keypoint.y, descriptors.shape.h);
  }
  grid_sample(descriptors, grid, {.align_corners = aligned}, sampled.view(), ctx);
  l2_normalize(sampled.view(), sampled.view(), ctx);
  return sampled;
}

void upsample_descriptors(ConstView descriptors, View y, Context& ctx) {
  resize(descriptors, {.mode = ResizeParams::Mode::bicubic}, y, ctx);
  l2_normalize(y, y, ctx);
}

}  // namespace hewn
