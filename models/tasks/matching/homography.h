// The homography between two pictures of one plane, found among matches of which some are wrong.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <Eigen/Core>

namespace hewn {

/// A point of picture a and the point of picture b that is said to show the same: x to the right, y
/// down, in pixels.
struct Correspondence {
  Eigen::Vector2d a;
  Eigen::Vector2d b;
};

/// Where `homography` takes p; nothing when that is at infinity or beyond it. The sign of a
/// homography tells the two sides apart: those of this file take the points that they were made
/// from to the side that this function accepts.
std::optional<Eigen::Vector2d> project(const Eigen::Matrix3d& homography, const Eigen::Vector2d& p);

/// The homography a → b by the normalised direct linear transform (Hartley, "In defense of the
/// eight-point algorithm", 1997), least squares in its algebraic error; exact for four points.
/// Scaled to Frobenius norm 1. Nothing when the points do not determine it: fewer than four, not
/// finite, or on a line.
std::optional<Eigen::Matrix3d> fit_homography(std::span<const Correspondence> points);

/// When a correspondence fits, and how long to look.
struct RansacOptions {
  double threshold = 3;        ///< > 0: an inlier lands this near to its point in b, in pixels of b
  double confidence = 0.9999;  ///< in (0, 1): of having drawn four inliers at least once
  std::int64_t max_iterations = 20'000;  ///< ≥ 1
  std::uint64_t seed = 0;
};

/// Whether there is a homography, and if not, why.
enum class HomographyStatus {
  found,
  too_few,    ///< fewer than four correspondences
  degenerate  ///< no four that agree, or those that do lie on a line within their noise
};

/// What estimate_homography() found.
struct HomographyEstimate {
  HomographyStatus status = HomographyStatus::degenerate;
  /// a → b, scaled so that the last element is 1 (−1 where a's origin lies beyond the horizon; left
  /// at Frobenius norm 1 where it lies on it); the identity unless found.
  Eigen::Matrix3d homography = Eigen::Matrix3d::Identity();
  std::vector<bool> inliers;  ///< one for each correspondence; none are unless found
  std::int64_t inlier_count = 0;
  std::int64_t iterations = 0;  ///< samples drawn
};

/// Robust estimate: random samples of four (Fischler and Bolles, RANSAC, 1981), judged by the
/// truncated squared error (Torr and Zisserman, MSAC, 2000), as many as the share of inliers found
/// so far asks for; then least squares on the inliers. The same input and seed give the same
/// result. Time is at most max_iterations × points. Throws Error when an option is out of range or
/// a coordinate is not finite.
HomographyEstimate estimate_homography(std::span<const Correspondence> points,
                                       const RansacOptions& options = {});

}  // namespace hewn
