#include "hewn/models/tasks/matching/homography.h"

#include "hewn/runtime/error.h"
#include "hewn/runtime/random.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include <Eigen/Dense>

namespace hewn {

namespace {

using Eigen::Matrix3d;
using Eigen::Vector2d;

constexpr std::size_t kSample = 4;
/// Smallest over largest eigenvalue that still counts as more than the rounding of a sum of squares
/// in double.
constexpr double kRankTolerance = 1e-12;
constexpr double kDeterminantTolerance = 1e-9;
/// Refits settle within two or three rounds; the limit is for pairs that swap for ever.
constexpr int kMaxRefits = 10;

/// Which of a correspondence's two points.
using Side = Vector2d Correspondence::*;

/// The similarity that moves the centroid to the origin and makes the mean distance to it √2.
/// Nothing when all points are one.
std::optional<Matrix3d> normalisation(std::span<const Correspondence> points, Side side) {
  Vector2d centroid = Vector2d::Zero();
  for (const Correspondence& point : points) centroid += point.*side;
  centroid /= static_cast<double>(points.size());
  double distance = 0;
  for (const Correspondence& point : points) distance += (point.*side - centroid).norm();
  distance /= static_cast<double>(points.size());
  if (!(distance > 0) || !std::isfinite(distance)) return std::nullopt;

  const double scale = std::sqrt(2.0) / distance;
  Matrix3d transform = Matrix3d::Identity() * scale;
  transform.col(2) << -scale * centroid, 1;
  return transform;
}

/// AᵀA of the direct linear transform: two rows of A for each correspondence, from b × H a = 0.
Eigen::Matrix<double, 9, 9> normal_matrix(std::span<const Correspondence> points,
                                          const Matrix3d& normalise_a,
                                          const Matrix3d& normalise_b) {
  Eigen::Matrix<double, 9, 9> sum = Eigen::Matrix<double, 9, 9>::Zero();
  for (const Correspondence& point : points) {
    const Eigen::RowVector3d a = (normalise_a * point.a.homogeneous()).transpose();
    const Eigen::Vector3d b = normalise_b * point.b.homogeneous();
    Eigen::Matrix<double, 2, 9> rows;
    rows << -a, Eigen::RowVector3d::Zero(), b.x() * a,  //
        Eigen::RowVector3d::Zero(), -a, b.y() * a;
    sum.noalias() += rows.transpose() * rows;
  }
  return sum;
}

double orientation(const Vector2d& p, const Vector2d& q, const Vector2d& r) {
  const Vector2d u = q - p;
  const Vector2d v = r - p;
  return u.x() * v.y() - u.y() * v.x();
}

/// Whether a homography can take the four points to their partners with all of them in front of the
/// camera: no three on a line, and the four triangles all keep their orientation or all change it
/// (Márquez-Neila et al., "Speeding-up homography estimation in mobile devices", 2013). Rejects
/// most samples with an outlier before anything is solved.
bool plausible(const std::array<Correspondence, kSample>& s) {
  static constexpr std::array<std::array<std::size_t, 3>, kSample> kTriangles{
      {{0, 1, 2}, {0, 1, 3}, {0, 2, 3}, {1, 2, 3}}};
  int kept = 0;
  for (const auto& [i, j, k] : kTriangles) {
    const double product =
        orientation(s[i].a, s[j].a, s[k].a) * orientation(s[i].b, s[j].b, s[k].b);
    if (product == 0) return false;
    kept += product > 0 ? 1 : 0;
  }
  return kept == 0 || kept == static_cast<int>(kSample);
}

/// Squared distance in b from where the homography takes a; infinity where it takes it nowhere.
double squared_error(const Matrix3d& homography, const Correspondence& point) {
  const std::optional<Vector2d> projected = project(homography, point.a);
  return projected ? (*projected - point.b).squaredNorm() : std::numeric_limits<double>::infinity();
}

/// Σ min(error², threshold²); stops adding once it is not below `limit`.
double truncated_cost(const Matrix3d& homography, std::span<const Correspondence> points,
                      double squared_threshold, double limit) {
  double cost = 0;
  for (const Correspondence& point : points) {
    cost += std::min(squared_error(homography, point), squared_threshold);
    if (cost >= limit) break;
  }
  return cost;
}

std::vector<Correspondence> inliers_of(const Matrix3d& homography,
                                       std::span<const Correspondence> points,
                                       double squared_threshold) {
  std::vector<Correspondence> inliers;
  for (const Correspondence& point : points) {
    if (squared_error(homography, point) <= squared_threshold) inliers.push_back(point);
  }
  return inliers;
}

/// Root mean square distance of the points from the line that fits them best.
double spread_across_best_line(std::span<const Correspondence> points, Side side) {
  Vector2d centroid = Vector2d::Zero();
  for (const Correspondence& point : points) centroid += point.*side;
  centroid /= static_cast<double>(points.size());
  Eigen::Matrix2d scatter = Eigen::Matrix2d::Zero();
  for (const Correspondence& point : points) {
    const Vector2d offset = point.*side - centroid;
    scatter += offset * offset.transpose();
  }
  const Eigen::SelfAdjointEigenSolver<Eigen::Matrix2d> eigen(scatter, Eigen::EigenvaluesOnly);
  return std::sqrt(std::max(eigen.eigenvalues()[0], 0.0) / static_cast<double>(points.size()));
}

class Ransac {
 public:
  Ransac(std::span<const Correspondence> points, const RansacOptions& options)
      : points_(points),
        options_(options),
        squared_threshold_(options.threshold * options.threshold),
        cost_(squared_threshold_ * static_cast<double>(points.size())),
        random_(options.seed) {}

  HomographyEstimate run() {
    HomographyEstimate estimate;
    estimate.inliers.assign(points_.size(), false);
    auto wanted = static_cast<double>(options_.max_iterations);
    while (static_cast<double>(estimate.iterations) < wanted) {
      ++estimate.iterations;
      if (try_sample()) wanted = std::min(wanted, wanted_iterations());
    }
    if (best_) refit();
    if (best_ && determined()) report(estimate);
    return estimate;
  }

 private:
  std::array<Correspondence, kSample> draw() {
    const auto last = static_cast<std::int64_t>(points_.size()) - 1;
    std::array<std::int64_t, kSample> indices{};
    std::array<Correspondence, kSample> sample;
    for (std::size_t i = 0; i < kSample; ++i) {
      const std::span<const std::int64_t> drawn(indices.data(), i);
      do {
        indices[i] = random_.integer(0, last);
      } while (std::ranges::find(drawn, indices[i]) != drawn.end());
      sample[i] = points_[static_cast<std::size_t>(indices[i])];
    }
    return sample;
  }

  /// Whether the sample gave a better homography than any before it.
  bool try_sample() {
    const std::array<Correspondence, kSample> sample = draw();
    return plausible(sample) && accept(fit_homography(sample));
  }

  bool accept(const std::optional<Matrix3d>& candidate) {
    if (!candidate) return false;
    const double cost = truncated_cost(*candidate, points_, squared_threshold_, cost_);
    if (cost >= cost_) return false;
    best_ = candidate;
    cost_ = cost;
    return true;
  }

  /// Samples after which one of four inliers has been drawn with the wanted confidence.
  double wanted_iterations() const {
    const auto count = static_cast<double>(inliers_of(*best_, points_, squared_threshold_).size());
    const double all_inliers =
        std::pow(count / static_cast<double>(points_.size()), static_cast<double>(kSample));
    return std::log(1 - options_.confidence) / std::log1p(-all_inliers);
  }

  /// Least squares on the inliers, as long as that lowers the cost.
  void refit() {
    for (int i = 0; i < kMaxRefits; ++i) {
      const std::vector<Correspondence> inliers = inliers_of(*best_, points_, squared_threshold_);
      if (!accept(fit_homography(inliers))) break;
    }
  }

  /// The threshold stands for three standard deviations of a point's noise. Inliers no wider than
  /// one of them across their best line are a line, as far as anyone can tell.
  bool determined() const {
    const std::vector<Correspondence> inliers = inliers_of(*best_, points_, squared_threshold_);
    const double noise = options_.threshold / 3;
    return inliers.size() >= kSample &&
           spread_across_best_line(inliers, &Correspondence::a) > noise &&
           spread_across_best_line(inliers, &Correspondence::b) > noise;
  }

  void report(HomographyEstimate& estimate) const {
    estimate.status = HomographyStatus::found;
    const double last = std::abs((*best_)(2, 2));
    estimate.homography = last > kRankTolerance ? *best_ / last : *best_;
    for (std::size_t i = 0; i < points_.size(); ++i) {
      estimate.inliers[i] = squared_error(*best_, points_[i]) <= squared_threshold_;
      estimate.inlier_count += estimate.inliers[i] ? 1 : 0;
    }
  }

  std::span<const Correspondence> points_;
  RansacOptions options_;
  double squared_threshold_;
  double cost_;
  std::optional<Matrix3d> best_;
  Random random_;
};

void check(std::span<const Correspondence> points, const RansacOptions& options) {
  require(options.threshold > 0 && std::isfinite(options.threshold),
          "homography: expected a threshold above 0, got ", options.threshold);
  require(options.confidence > 0 && options.confidence < 1,
          "homography: expected a confidence between 0 and 1, got ", options.confidence);
  require(options.max_iterations >= 1, "homography: expected at least 1 iteration, got ",
          options.max_iterations);
  for (const Correspondence& point : points) {
    require(point.a.allFinite() && point.b.allFinite(),
            "homography: expected finite coordinates, got NaN or infinity");
  }
}

}  // namespace

std::optional<Vector2d> project(const Matrix3d& homography, const Vector2d& p) {
  const Eigen::Vector3d q = homography * p.homogeneous();
  if (!(q.z() > 0)) return std::nullopt;
  const Vector2d projected = q.hnormalized();
  return projected.allFinite() ? std::optional(projected) : std::nullopt;
}

std::optional<Matrix3d> fit_homography(std::span<const Correspondence> points) {
  if (points.size() < kSample) return std::nullopt;
  const std::optional<Matrix3d> normalise_a = normalisation(points, &Correspondence::a);
  const std::optional<Matrix3d> normalise_b = normalisation(points, &Correspondence::b);
  if (!normalise_a || !normalise_b) return std::nullopt;

  const Eigen::SelfAdjointEigenSolver<Eigen::Matrix<double, 9, 9>> eigen(
      normal_matrix(points, *normalise_a, *normalise_b));
  // A second vanishing eigenvalue means a whole family of solutions.
  if (eigen.info() != Eigen::Success ||
      eigen.eigenvalues()[1] <= kRankTolerance * eigen.eigenvalues()[8]) {
    return std::nullopt;
  }
  Matrix3d normalised = Eigen::Map<const Eigen::Matrix<double, 3, 3, Eigen::RowMajor>>(
      eigen.eigenvectors().col(0).data());
  if (std::abs(normalised.determinant()) <= kDeterminantTolerance) return std::nullopt;
  // The centroid of a is the origin here, so the last element is its homogeneous coordinate: made
  // positive, it puts the points on the side that project() accepts.
  if (normalised(2, 2) < 0) normalised = -normalised;
  const Matrix3d homography = normalise_b->inverse() * normalised * *normalise_a;
  return homography / homography.norm();
}

HomographyEstimate estimate_homography(std::span<const Correspondence> points,
                                       const RansacOptions& options) {
  check(points, options);
  if (points.size() >= kSample) return Ransac(points, options).run();
  return {.status = HomographyStatus::too_few, .inliers = std::vector<bool>(points.size(), false)};
}

}  // namespace hewn
