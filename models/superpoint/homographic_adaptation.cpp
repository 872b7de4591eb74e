#include "hewn/models/superpoint/homographic_adaptation.h"

#include "hewn/ops/grid_sample/grid_sample.h"
#include "hewn/runtime/error.h"
#include "hewn/runtime/random.h"

#include <Eigen/LU>

namespace hewn {

namespace {

// How far a view may be from the picture; the paper names the kinds of motion (section 5.2) and
// leaves their sizes to the reader. These keep most of the picture in sight.
constexpr double kMaxZoom = 1.3;          // and its inverse
constexpr double kMaxHalfAngleTan = 0.2;  // tan(θ/2): about ±23°
constexpr double kMaxShift = 0.1;         // of the picture's sides
constexpr double kMaxPerspective = 0.2;   // change of depth from the centre to the border

Eigen::Matrix3d random_homography(double height, double width, Random& random) {
  // Rotation by its half-angle tangent needs no sine or cosine, whose last bits differ between
  // machines.
  const double t = random.uniform(-kMaxHalfAngleTan, kMaxHalfAngleTan);
  const double cosine = (1 - t * t) / (1 + t * t);
  const double sine = 2 * t / (1 + t * t);
  const double zoom = random.uniform(1 / kMaxZoom, kMaxZoom);
  Eigen::Matrix3d similarity;
  similarity << zoom * cosine, -zoom * sine, random.uniform(-kMaxShift, kMaxShift) * width,  //
      zoom * sine, zoom * cosine, random.uniform(-kMaxShift, kMaxShift) * height,            //
      0, 0, 1;
  Eigen::Matrix3d perspective = Eigen::Matrix3d::Identity();
  perspective(2, 0) = random.uniform(-kMaxPerspective, kMaxPerspective) / (width / 2);
  perspective(2, 1) = random.uniform(-kMaxPerspective, kMaxPerspective) / (height / 2);
  Eigen::Matrix3d to_centre = Eigen::Matrix3d::Identity();
  to_centre(0, 2) = -(width - 1) / 2;
  to_centre(1, 2) = -(height - 1) / 2;
  Eigen::Matrix3d from_centre = Eigen::Matrix3d::Identity();
  from_centre.topRightCorner<2, 1>() = -to_centre.topRightCorner<2, 1>();
  return from_centre * similarity * perspective * to_centre;
}

/// Samples `from` at homography(pixel) for every pixel of `to`, zero outside.
void warp(ConstView from, const Eigen::Matrix3d& homography, View to, Context& ctx) {
  const Arena::Scope scope(ctx.arena());
  const View grid = ctx.arena().view({1, to.shape.h, to.shape.w, 2});
  const auto to_unit = [](double at, std::int64_t size) {
    return static_cast<float>(2 * at / static_cast<double>(size - 1) - 1);
  };
  for (std::int64_t y = 0; y < to.shape.h; ++y) {
    for (std::int64_t x = 0; x < to.shape.w; ++x) {
      const Eigen::Vector3d at =
          homography * Eigen::Vector3d(static_cast<double>(x), static_cast<double>(y), 1);
      grid.pixel(0, y, x)[0] = to_unit(at.x() / at.z(), from.shape.w);
      grid.pixel(0, y, x)[1] = to_unit(at.y() / at.z(), from.shape.h);
    }
  }
  grid_sample(from, grid, {.align_corners = true}, to, ctx);
}

/// Adds to `sum` and `count` what one view of the picture saw.
void add_view(const SuperPoint& model, ConstView image, const Eigen::Matrix3d& homography, View sum,
              View count, Context& ctx) {
  const Arena::Scope scope(ctx.arena());
  const View view = ctx.arena().view(image.shape);
  warp(image, homography.inverse(), view, ctx);
  const View scores = model.forward(view, ctx).scores;
  const View ones = ctx.arena().view(scores.shape);
  fill(ones, 1);
  const View back = ctx.arena().view(scores.shape);
  const View seen = ctx.arena().view(scores.shape);
  warp(scores, homography, back, ctx);
  warp(ones, homography, seen, ctx);
  for (std::int64_t i = 0; i < sum.shape.pixels(); ++i) {
    sum.data[i] += back.data[i];
    count.data[i] += seen.data[i];
  }
}

}  // namespace

std::vector<Eigen::Matrix3d> random_homographies(std::int64_t height, std::int64_t width,
                                                 const HomographicAdaptationOptions& options) {
  constexpr std::int64_t kMaxCount = 10'000;
  require(options.count >= 1 && options.count <= kMaxCount,
          "homographic adaptation: expected 1 to ", kMaxCount, " views, got ", options.count);
  Random random(options.seed);
  std::vector<Eigen::Matrix3d> homographies{Eigen::Matrix3d::Identity()};
  while (static_cast<std::int64_t>(homographies.size()) < options.count) {
    homographies.push_back(
        random_homography(static_cast<double>(height), static_cast<double>(width), random));
  }
  return homographies;
}

Tensor homographic_adaptation(const SuperPoint& model, ConstView image,
                              const HomographicAdaptationOptions& options, Context& ctx,
                              const std::function<void(std::int64_t)>& progress) {
  require(image.shape.n == 1, "homographic adaptation: expected one picture, got ", image.shape);
  constexpr std::int64_t kCell = SuperPoint::kCell;
  Tensor mean({1, image.shape.h / kCell * kCell, image.shape.w / kCell * kCell, 1});
  Tensor count(mean.shape());
  fill(mean.view(), 0);
  fill(count.view(), 0);
  std::int64_t done = 0;
  for (const Eigen::Matrix3d& homography :
       random_homographies(image.shape.h, image.shape.w, options)) {
    add_view(model, image, homography, mean.view(), count.view(), ctx);
    if (progress) progress(++done);
  }
  // The identity sees every pixel, so no count is below 1.
  for (std::size_t i = 0; i < mean.values().size(); ++i) mean.values()[i] /= count.values()[i];
  return mean;
}

}  // namespace hewn
