#include "app/drawing/keypoint_drawing.h"

#include "hewn/runtime/pictures/drawing/canvas.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

namespace hewn::app {

namespace {

constexpr Colour kPaper{0.10F, 0.10F, 0.11F};
constexpr Colour kShadow{0.0F, 0.0F, 0.0F};
constexpr Colour kInlier{0.25F, 0.90F, 0.45F};
constexpr Colour kOutlier{0.95F, 0.30F, 0.30F};
constexpr Colour kOutline{1.00F, 0.85F, 0.30F};
constexpr float kDimmed = 0.8F;  // so that colours stand out from white, too
constexpr std::int64_t kGap = 8;
constexpr double kFewMatches = 150;  // lines that a picture bears at full strength

/// Lines and circles are sized for a picture of this side, and grow with larger ones.
constexpr double kReferenceSide = 500;

double scale_for(std::int64_t width, std::int64_t height) {
  return std::max(1.0, std::sqrt(static_cast<double>(width * height)) / kReferenceSide);
}

Point point_of(const Keypoint& keypoint, double left = 0) {
  return {static_cast<double>(keypoint.x) + left, static_cast<double>(keypoint.y)};
}

/// Two pictures on one canvas.
class MatchDrawing {
 public:
  MatchDrawing(const Features& a, const Features& b)
      : a_(a),
        b_(b),
        left_of_b_(a.gray.shape().w + kGap),
        height_(std::max(a.gray.shape().h, b.gray.shape().h)),
        scale_(scale_for(std::max(a.gray.shape().w, b.gray.shape().w), height_)),
        canvas_(left_of_b_ + b.gray.shape().w, height_, kPaper) {
    canvas_.draw_picture(a.gray.view(), 0, 0, kDimmed);
    canvas_.draw_picture(b.gray.view(), left_of_b_, 0, kDimmed);
  }

  /// Lines fade with their number, so that the pictures stay in sight.
  void draw_match(const Match& match, bool inlier, float fading) {
    const Point from = point_of(a_.keypoints[static_cast<std::size_t>(match.a)]);
    const Point to =
        point_of(b_.keypoints[static_cast<std::size_t>(match.b)], static_cast<double>(left_of_b_));
    const Pen line{inlier ? kInlier : kOutlier, scale_, fading * (inlier ? 0.65F : 0.22F)};
    const Pen end{line.colour, scale_, inlier ? 1.0F : 0.4F};
    canvas_.draw_line(from, to, line);
    canvas_.draw_disc(from, 2 * scale_, end);
    canvas_.draw_disc(to, 2 * scale_, end);
  }

  /// Nothing when a corner falls beyond the horizon: what would be drawn is no quadrilateral.
  void draw_outline(const Eigen::Matrix3d& homography) {
    const double right = static_cast<double>(a_.gray.shape().w) - 0.5;
    const double bottom = static_cast<double>(a_.gray.shape().h) - 0.5;
    const std::array<Eigen::Vector2d, 4> corners{
        {{-0.5, -0.5}, {right, -0.5}, {right, bottom}, {-0.5, bottom}}};
    std::array<Point, 4> outline{};
    for (std::size_t i = 0; i < corners.size(); ++i) {
      const std::optional<Eigen::Vector2d> corner = project(homography, corners[i]);
      if (!corner) return;
      outline[i] = {corner->x() + static_cast<double>(left_of_b_), corner->y()};
    }
    for (const Pen& pen : {Pen{kShadow, 4 * scale_, 0.5F}, Pen{kOutline, 2 * scale_, 1.0F}}) {
      for (std::size_t i = 0; i < outline.size(); ++i) {
        canvas_.draw_line(outline[i], outline[(i + 1) % outline.size()], pen);
      }
    }
  }

  Image image() const { return canvas_.image(); }

 private:
  const Features& a_;
  const Features& b_;
  std::int64_t left_of_b_;
  std::int64_t height_;
  double scale_;
  Canvas canvas_;
};

}  // namespace

Image draw_keypoints(const Features& features) {
  const Nhwc& s = features.gray.shape();
  Canvas canvas(s.w, s.h, kPaper);
  canvas.draw_picture(features.gray.view(), 0, 0, kDimmed);
  const double scale = scale_for(s.w, s.h);
  const double best = features.keypoints.empty() ? 1 : features.keypoints.front().score;
  // The strongest last, so that they lie on top.
  for (auto keypoint = features.keypoints.rbegin(); keypoint != features.keypoints.rend();
       ++keypoint) {
    // Scores crowd near 0; their root spreads them over the colours.
    const double strength = std::sqrt(static_cast<double>(keypoint->score) / best);
    const float opacity = 0.5F + 0.5F * static_cast<float>(strength);
    canvas.draw_circle(point_of(*keypoint), 3 * scale, {kShadow, 2.6 * scale, 0.35F * opacity});
    canvas.draw_circle(point_of(*keypoint), 3 * scale,
                       {warm_colour(strength), 1.3 * scale, opacity});
  }
  return canvas.image();
}

Image draw_matches(const Features& a, const Features& b, const std::vector<Match>& matches,
                   const HomographyEstimate& estimate) {
  MatchDrawing drawing(a, b);
  const auto count = static_cast<double>(std::max<std::size_t>(matches.size(), 1));
  const auto fading = static_cast<float>(std::min(1.0, std::sqrt(kFewMatches / count)));
  for (const bool inliers : {false, true}) {  // on top of the others
    for (std::size_t i = 0; i < matches.size(); ++i) {
      if (estimate.inliers[i] == inliers) drawing.draw_match(matches[i], inliers, fading);
    }
  }
  if (estimate.status == HomographyStatus::found) drawing.draw_outline(estimate.homography);
  return drawing.image();
}

}  // namespace hewn::app
