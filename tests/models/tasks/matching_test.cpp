#include "hewn/models/tasks/matching/matching.h"

#include "hewn/models/tasks/matching/homography.h"
#include "hewn/runtime/error.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <vector>

#include "tests/support/compare.h"
#include "tests/support/random.h"
#include <Eigen/Dense>
#include <gtest/gtest.h>

namespace hewn {
namespace {

using Eigen::Matrix3d;
using Eigen::Vector2d;
using test::Random;

void normalise(std::span<float> vector) {
  double sum = 0;
  for (const float value : vector) sum += static_cast<double>(value) * value;
  for (float& value : vector) value /= static_cast<float>(std::sqrt(sum));
}

std::span<float> descriptor(Tensor& tensor, std::int64_t i) {
  return {tensor.view().pixel(0, 0, i), static_cast<std::size_t>(tensor.shape().c)};
}

Tensor unit_vectors(Random& random, std::int64_t count, std::int64_t channels) {
  Tensor vectors = random.tensor({1, 1, count, channels});
  for (std::int64_t i = 0; i < count; ++i) normalise(descriptor(vectors, i));
  return vectors;
}

double dot(const Tensor& a, std::int64_t i, const Tensor& b, std::int64_t j) {
  double sum = 0;
  for (std::int64_t c = 0; c < a.shape().c; ++c) {
    sum += static_cast<double>(a.view().pixel(0, 0, i)[c]) * b.view().pixel(0, 0, j)[c];
  }
  return sum;
}

/// The index of the vector of b with the largest dot product, in double.
std::int64_t nearest(const Tensor& a, std::int64_t i, const Tensor& b) {
  std::int64_t best = 0;
  for (std::int64_t j = 1; j < b.shape().w; ++j) {
    if (dot(a, i, b, j) > dot(a, i, b, best)) best = j;
  }
  return best;
}

TEST(MatchMutual, IsWhatTheDefinitionSays) {
  Random random(1);
  // 300 crosses the border of a block of rows; one vector alone has no second nearest.
  for (const auto& [n, m] : {std::pair{1, 1}, {5, 1}, {1, 7}, {17, 33}, {300, 40}}) {
    const Tensor a = unit_vectors(random, n, 20);
    const Tensor b = unit_vectors(random, m, 20);
    std::vector<std::pair<std::int64_t, std::int64_t>> expected;
    for (std::int64_t i = 0; i < n; ++i) {
      const std::int64_t j = nearest(a, i, b);
      if (nearest(b, j, a) == i) expected.emplace_back(i, j);
    }
    Context ctx({.threads = 2});
    const std::vector<Match> matches = match_mutual(a.view(), b.view(), {}, ctx);
    ASSERT_EQ(matches.size(), expected.size());
    for (std::size_t k = 0; k < matches.size(); ++k) {
      const auto& [i, j] = expected[k];
      EXPECT_EQ(matches[k].a, i);
      EXPECT_EQ(matches[k].b, j);
      // A sum of 20 products of numbers whose absolute values sum to at most 1 (Cauchy-Schwarz).
      EXPECT_NEAR(matches[k].similarity, dot(a, i, b, j), 20 * test::kUnitRoundoff);
    }
  }
}

TEST(MatchMutual, FindsAPermutation) {
  Random random(2);
  constexpr std::int64_t count = 1000;
  const Tensor a = unit_vectors(random, count, 256);
  Tensor b(a.shape());
  const auto partner = [](std::int64_t i) { return (i * 377 + 5) % count; };  // 377: coprime
  for (std::int64_t i = 0; i < count; ++i) {
    std::memcpy(b.view().pixel(0, 0, partner(i)), a.view().pixel(0, 0, i), 256 * sizeof(float));
  }
  Context ctx({.threads = 1});
  const std::vector<Match> matches = match_mutual(a.view(), b.view(), {.ratio = 0.5F}, ctx);
  ASSERT_EQ(matches.size(), static_cast<std::size_t>(count));
  for (const Match& match : matches) EXPECT_EQ(match.b, partner(match.a));
}

TEST(MatchMutual, RatioRejectsTheAmbiguous) {
  Tensor a({1, 1, 1, 3});
  std::ranges::copy(std::array{1.0F, 0.0F, 0.0F}, a.values().begin());
  Tensor b({1, 1, 2, 3});
  // Squared distances to a: 2 − 2 × 0.96 = 0.08 and 2 − 2 × 0.6 = 0.8; their ratio is √0.1 = 0.316.
  std::ranges::copy(std::array{0.96F, 0.28F, 0.0F, 0.6F, 0.8F, 0.0F}, b.values().begin());
  Context ctx({.threads = 1});
  EXPECT_EQ(match_mutual(a.view(), b.view(), {.ratio = 0.32F}, ctx).size(), 1U);
  EXPECT_TRUE(match_mutual(a.view(), b.view(), {.ratio = 0.31F}, ctx).empty());
  EXPECT_EQ(match_mutual(a.view(), b.view(), {}, ctx).size(), 1U);
}

TEST(MatchMutual, NothingAndEqualsAndNaN) {
  Random random(3);
  Tensor a = unit_vectors(random, 4, 8);
  const Tensor none({1, 1, 0, 8});
  Context ctx({.threads = 1});
  EXPECT_TRUE(match_mutual(a.view(), none.view(), {}, ctx).empty());
  EXPECT_TRUE(match_mutual(none.view(), a.view(), {}, ctx).empty());

  Tensor twins({1, 1, 2, 8});
  for (std::int64_t i = 0; i < 2; ++i)
    std::ranges::copy(descriptor(a, 3), descriptor(twins, i).begin());
  const std::vector<Match> first = match_mutual(a.view(), twins.view(), {}, ctx);
  ASSERT_EQ(first.size(), 1U);
  EXPECT_EQ(first[0].a, 3);
  EXPECT_EQ(first[0].b, 0);
  EXPECT_TRUE(match_mutual(a.view(), twins.view(), {.ratio = 0.9F}, ctx).empty());

  std::ranges::fill(descriptor(a, 1), std::nanf(""));
  for (const Match& match : match_mutual(a.view(), twins.view(), {}, ctx)) EXPECT_NE(match.a, 1);
}

TEST(MatchMutual, SlicesAndThreadsGiveTheSame) {
  Random random(4);
  const Tensor a = unit_vectors(random, 523, 32);
  const Tensor b = unit_vectors(random, 267, 32);
  test::Sliced sliced_a(a.shape(), &a);
  test::Sliced sliced_b(b.shape(), &b);
  Context one({.threads = 1});
  const std::vector<Match> expected = match_mutual(a.view(), b.view(), {}, one);
  ASSERT_FALSE(expected.empty());
  for (const Isa isa : test::bit_identical_isas()) {
    Context ctx({.threads = 5, .isa = isa});
    const std::vector<Match> matches = match_mutual(sliced_a.view(), sliced_b.view(), {}, ctx);
    ASSERT_EQ(matches.size(), expected.size());
    for (std::size_t k = 0; k < matches.size(); ++k) {
      EXPECT_EQ(matches[k].a, expected[k].a);
      EXPECT_EQ(matches[k].b, expected[k].b);
      EXPECT_EQ(matches[k].similarity, expected[k].similarity);
    }
  }
}

TEST(MatchMutual, RefusesWhatDoesNotFit) {
  Context ctx({.threads = 1});
  const Tensor a({1, 1, 3, 8});
  const Tensor b({1, 1, 3, 9});
  const Tensor tall({1, 3, 1, 8});
  EXPECT_THROW(match_mutual(a.view(), b.view(), {}, ctx), Error);
  EXPECT_THROW(match_mutual(tall.view(), a.view(), {}, ctx), Error);
  for (const float ratio : {0.0F, -1.0F, 1.5F, std::nanf("")}) {
    EXPECT_THROW(match_mutual(a.view(), a.view(), {.ratio = ratio}, ctx), Error);
  }
}

Matrix3d some_homography() {
  Matrix3d h;
  h << 0.9, -0.2, 40,  //
      0.25, 1.1, -15,  //
      2e-4, -3e-4, 1;
  return h;
}

std::vector<Correspondence> random_correspondences(Random& random, const Matrix3d& homography,
                                                   std::size_t count) {
  std::vector<Correspondence> points(count);
  for (Correspondence& point : points) {
    point.a = {random.uniform(0, 640), random.uniform(0, 480)};
    point.b = project(homography, point.a).value();
  }
  return points;
}

/// The furthest apart that two homographies take a point of a 640 × 480 picture, over a grid.
double furthest(const Matrix3d& g, const Matrix3d& h) {
  double worst = 0;
  for (double y = 0; y <= 480; y += 48) {
    for (double x = 0; x <= 640; x += 64) {
      worst = std::max(worst, (project(g, {x, y}).value() - project(h, {x, y}).value()).norm());
    }
  }
  return worst;
}

TEST(FitHomography, IsExactOnExactPoints) {
  Random random(5);
  for (const std::size_t count : {4U, 5U, 100U}) {
    const auto points = random_correspondences(random, some_homography(), count);
    const auto fitted = fit_homography(points);
    ASSERT_TRUE(fitted);
    EXPECT_NEAR(fitted->norm(), 1, 1e-12);
    // The normal matrix squares the condition: √(double's epsilon) of the picture's size, times a
    // margin of 10 for unlucky sets of four points.
    EXPECT_LT(furthest(*fitted, some_homography()), 10 * 640 * std::sqrt(0x1p-52));
  }
}

TEST(FitHomography, RefusesWhatDeterminesNone) {
  Random random(6);
  const auto points = random_correspondences(random, some_homography(), 3);
  EXPECT_FALSE(fit_homography(points));
  EXPECT_FALSE(fit_homography({}));

  std::vector<Correspondence> line(10);
  for (std::size_t i = 0; i < line.size(); ++i) {
    line[i].a = {static_cast<double>(i), 2.0 * static_cast<double>(i) + 1};
    line[i].b = project(some_homography(), line[i].a).value();
  }
  EXPECT_FALSE(fit_homography(line));
  EXPECT_FALSE(fit_homography(std::vector<Correspondence>(6, {{3, 4}, {5, 6}})));
}

TEST(Project, RefusesTheHorizonAndBeyond) {
  Matrix3d h = Matrix3d::Identity();
  h(2, 0) = -0.01;  // the horizon is x = 100
  EXPECT_TRUE(project(h, {99, 0}));
  EXPECT_FALSE(project(h, {100, 0}));
  EXPECT_FALSE(project(h, {101, 0}));
}

TEST(EstimateHomography, SurvivesOutliersAndNoise) {
  Random random(7);
  const Matrix3d truth = some_homography();
  auto points = random_correspondences(random, truth, 400);
  for (std::size_t i = 0; i < points.size(); ++i) {
    const bool outlier = i % 5 < 3;  // three in five
    if (outlier) {
      points[i].b = {random.uniform(0, 640), random.uniform(0, 480)};
    } else {
      points[i].b += Vector2d(random.uniform(-1, 1), random.uniform(-1, 1));
    }
  }
  const HomographyEstimate estimate = estimate_homography(points, {.threshold = 3, .seed = 11});
  ASSERT_EQ(estimate.status, HomographyStatus::found);
  EXPECT_EQ(estimate.homography(2, 2), 1);
  // Least squares over 160 points whose noise is at most √2 px averages it to well below itself.
  EXPECT_LT(furthest(estimate.homography, truth), 1.0);
  std::int64_t inliers = 0;
  for (std::size_t i = 0; i < points.size(); ++i) {
    inliers += estimate.inliers[i] ? 1 : 0;
    EXPECT_TRUE(estimate.inliers[i] || i % 5 < 3) << i;
  }
  EXPECT_EQ(inliers, estimate.inlier_count);
  // An outlier falls within 3 px of its place by chance once in π·3² / (640·480) ≈ 1/10,000.
  EXPECT_LE(inliers, 160 + 3);
}

TEST(EstimateHomography, IsDeterministic) {
  Random random(8);
  auto points = random_correspondences(random, some_homography(), 60);
  for (std::size_t i = 0; i < 30; ++i)
    points[i].b = {random.uniform(0, 640), random.uniform(0, 480)};
  const HomographyEstimate first = estimate_homography(points, {.seed = 3});
  const HomographyEstimate second = estimate_homography(points, {.seed = 3});
  EXPECT_EQ(first.homography, second.homography);
  EXPECT_EQ(first.inliers, second.inliers);
  EXPECT_EQ(first.iterations, second.iterations);
  EXPECT_LT(first.iterations, RansacOptions{}.max_iterations);
}

TEST(EstimateHomography, SaysWhenThereIsNone) {
  Random random(9);
  const auto three = random_correspondences(random, some_homography(), 3);
  const HomographyEstimate few = estimate_homography(three);
  EXPECT_EQ(few.status, HomographyStatus::too_few);
  EXPECT_EQ(few.inliers, std::vector<bool>(3, false));
  EXPECT_EQ(estimate_homography({}).status, HomographyStatus::too_few);

  // Points on a line, exactly and up to the rounding to whole pixels.
  for (const bool rounded : {false, true}) {
    std::vector<Correspondence> line(50);
    for (Correspondence& point : line) {
      const double t = random.uniform(0, 500);
      point.a = {t, 0.37 * t + 20};
      point.b = {0.8 * t + 5, 0.61 * t};
      if (rounded) point = {point.a.array().round().matrix(), point.b.array().round().matrix()};
    }
    const HomographyEstimate estimate = estimate_homography(line);
    EXPECT_EQ(estimate.status, HomographyStatus::degenerate);
    EXPECT_EQ(estimate.inlier_count, 0);
    EXPECT_EQ(estimate.homography, Matrix3d::Identity());
  }
  const std::vector<Correspondence> one_place(20, {{3, 4}, {5, 6}});
  EXPECT_EQ(estimate_homography(one_place).status, HomographyStatus::degenerate);
}

TEST(EstimateHomography, RefusesBadArguments) {
  Random random(10);
  auto points = random_correspondences(random, some_homography(), 8);
  EXPECT_THROW(estimate_homography(points, {.threshold = 0}), Error);
  EXPECT_THROW(estimate_homography(points, {.threshold = std::nan("")}), Error);
  EXPECT_THROW(estimate_homography(points, {.confidence = 1}), Error);
  EXPECT_THROW(estimate_homography(points, {.max_iterations = 0}), Error);
  points[3].b.y() = std::nan("");
  EXPECT_THROW(estimate_homography(points), Error);
}

}  // namespace
}  // namespace hewn
