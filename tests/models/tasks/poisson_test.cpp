#include "hewn/models/tasks/inpainting/poisson.h"

#include "hewn/models/tasks/inpainting/hole.h"
#include "hewn/models/tasks/inpainting/multigrid.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <optional>
#include <utility>
#include <vector>

#include "tests/support/compare.h"
#include "tests/support/errors.h"
#include "tests/support/masks.h"
#include "tests/support/random.h"
#include <Eigen/Dense>
#include <gtest/gtest.h>

namespace hewn {
namespace {

using test::error_of;
using test::mask_of_blocks;
using test::mask_of_dots;
using test::mask_where;
using test::missing;

struct Blended {
  Tensor y;
  PoissonSolution solution;
};

Blended blend(const Tensor& source, const Tensor& destination, const Tensor& region,
              std::optional<PoissonMethod> method = std::nullopt, int threads = 1) {
  Context ctx({.threads = threads});
  Blended result{Tensor(source.shape()), {}};
  result.solution =
      blend_poisson(source.view(), destination.view(), region.view(), result.y.view(), ctx, method);
  return result;
}

/// value(y, x) in every channel.
template <typename Value>
Tensor picture_of(std::int64_t h, std::int64_t w, std::int64_t c, const Value& value) {
  Tensor picture({1, h, w, c});
  for (std::int64_t y = 0; y < h; ++y) {
    for (std::int64_t x = 0; x < w; ++x) {
      fill({picture.view().pixel(0, y, x), {1, 1, 1, c}}, value(y, x));
    }
  }
  return picture;
}

double furthest(const Tensor& a, const Tensor& b) {
  double worst = 0;
  for (std::size_t i = 0; i < a.values().size(); ++i) {
    worst = std::max(worst, std::abs(static_cast<double>(a.values()[i]) - b.values()[i]));
  }
  return worst;
}

/// Whether y is the destination outside of the region, to the bit.
bool untouched(const Tensor& y, const Tensor& destination, const Tensor& region) {
  for (std::int64_t i = 0; i < region.shape().pixels(); ++i) {
    const float* pixel = y.view().pixel(0, 0, i);
    if (!missing(region, i) &&
        !std::equal(pixel, pixel + y.shape().c, destination.view().pixel(0, 0, i))) {
      return false;
    }
  }
  return true;
}

/// By how much y, as floats, misses an equation of the header at the most, summed in double.
double furthest_from_equations(const Tensor& y, const Tensor& source, const Tensor& region) {
  const auto [n, h, w, c] = y.shape();
  double worst = 0;
  for (std::int64_t i = 0; i < h * w; ++i) {
    if (!missing(region, i)) continue;
    for (std::int64_t k = 0; k < c; ++k) {
      const auto difference = [&](const Tensor& of, std::int64_t q) {
        return static_cast<double>(of.view().pixel(0, 0, i)[k]) - of.view().pixel(0, 0, q)[k];
      };
      double off = 0;
      for (const auto& [dy, dx] : {std::pair{-1, 0}, {0, -1}, {0, 1}, {1, 0}}) {
        if (i / w + dy < 0 || i / w + dy >= h || i % w + dx < 0 || i % w + dx >= w) continue;
        const std::int64_t q = i + dy * w + dx;
        off += difference(y, q) - difference(source, q);
      }
      worst = std::max(worst, std::abs(off));
    }
  }
  return worst;
}

/// The equations for f as they stand in the header, dense, and the largest row sum of the inverse
/// matrix's absolute values: what an error of each equation may become.
struct Dense {
  Eigen::MatrixXd f;  // unknowns × channels
  double inverse_norm;
};

Dense solve_dense(const Tensor& source, const Tensor& destination, const Hole& region) {
  std::vector<Eigen::Index> numbers(region.inside.size());
  std::inclusive_scan(region.inside.begin(), region.inside.end(), numbers.begin(), std::plus<>(),
                      Eigen::Index{-1});
  Eigen::MatrixXd a = Eigen::MatrixXd::Zero(region.count, region.count);
  Eigen::MatrixXd b = Eigen::MatrixXd::Zero(region.count, source.shape().c);
  for (std::int64_t p = 0; p < region.pixels(); ++p) {
    if (!region.contains(p)) continue;
    const Eigen::Index row = numbers[static_cast<std::size_t>(p)];
    for (const auto& [dy, dx] : {std::pair{-1, 0}, {0, -1}, {0, 1}, {1, 0}}) {
      const std::int64_t y = p / region.w + dy;
      const std::int64_t x = p % region.w + dx;
      if (y < 0 || y >= region.h || x < 0 || x >= region.w) continue;
      const std::int64_t q = y * region.w + x;
      a(row, row) += 1;
      if (region.contains(q)) a(row, numbers[static_cast<std::size_t>(q)]) -= 1;
      for (std::int64_t c = 0; c < b.cols(); ++c) {
        const double g_p = source.view().pixel(0, 0, p)[c];
        const double g_q = source.view().pixel(0, 0, q)[c];
        b(row, c) += g_p - g_q;
        if (!region.contains(q)) b(row, c) += destination.view().pixel(0, 0, q)[c];
      }
    }
  }
  const Eigen::MatrixXd inverse = a.inverse();
  return {inverse * b, inverse.cwiseAbs().rowwise().sum().maxCoeff()};
}

TEST(BlendPoisson, IsWhatTheDefinitionSays) {
  test::Random random(1);
  for (int round = 0; round < 8; ++round) {
    const std::int64_t h = random.integer(1, 14);
    const std::int64_t w = random.integer(2, 17);
    const Tensor source = random.tensor({1, h, w, 2});
    const Tensor destination = random.tensor({1, h, w, 2});
    Tensor region = round < 4 ? mask_of_blocks(random, h, w) : mask_of_dots(random, h, w, 0.8);
    *region.view().pixel(0, 0, 0) = 0;
    *region.view().pixel(0, 0, 1) = 1;
    const Hole hole = hole_of("test", source.view(), region.view());
    const Dense expected = solve_dense(source, destination, hole);
    for (const PoissonMethod method : {PoissonMethod::direct, PoissonMethod::multigrid}) {
      const auto [y, solution] = blend(source, destination, region, method);
      EXPECT_EQ(solution.unknowns, hole.count);
      EXPECT_EQ(solution.method, method);
      EXPECT_TRUE(untouched(y, destination, region));
      // Multigrid factorises systems as small as these, too. An equation's right-hand side is at
      // most 4 × 2, and a factorisation of n rows of five numbers makes some 3n roundings to double
      // in each; then f, of size 4 at most, is rounded to float.
      const double tolerance =
          expected.inverse_norm * 8 * 3 * static_cast<double>(hole.count) * 0x1p-53 +
          4 * test::kUnitRoundoff;
      Eigen::Index row = 0;
      for (std::int64_t p = 0; p < hole.pixels(); ++p) {
        if (!hole.contains(p)) continue;
        for (std::int64_t c = 0; c < 2; ++c) {
          EXPECT_NEAR(y.view().pixel(0, 0, p)[c], expected.f(row, c), tolerance);
        }
        ++row;
      }
    }
  }
}

TEST(BlendPoisson, RampsAreReproduced) {
  // A ramp is harmonic: without a gradient of the source it is what its values at the border give.
  const Tensor flat = picture_of(40, 50, 3, [](auto, auto) { return 0.25F; });
  const Tensor ramp = picture_of(40, 50, 3, [](auto y, auto x) {
    return static_cast<float>(x) / 64 - static_cast<float>(y) / 128;
  });
  const Tensor inner =
      mask_where(40, 50, [](auto y, auto x) { return y > 3 && y < 33 && x > 5 && x < 48; });
  for (const PoissonMethod method : {PoissonMethod::direct, PoissonMethod::multigrid}) {
    const Blended into_ramp = blend(flat, ramp, inner, method);
    const Blended of_ramp = blend(ramp, flat, inner, method);
    // The right-hand sides are at most 2 × 138 long, and the inverse of 42 × 29 equations at most
    // 42² / (2π²) in the norm that goes with it; then a value below 1 is rounded.
    const double tolerance =
        42 * 42 / (2 * std::numbers::pi * std::numbers::pi) * 276 * 1e-10 + test::kUnitRoundoff;
    EXPECT_LE(furthest(into_ramp.y, ramp), tolerance);
    // The other way round the border is flat, and a ramp's gradients have no divergence.
    EXPECT_LE(furthest(of_ramp.y, flat), tolerance);
  }
}

TEST(BlendPoisson, AnOffsetGoesAway) {
  test::Random random(2);
  const Tensor destination = random.tensor({1, 30, 30, 3}, 0, 1);
  Tensor source = Tensor::copy_of(destination.view());
  for (float& value : source.values()) value += 2;
  const Tensor region = mask_of_blocks(random, 30, 30);
  // u is −2, but for the rounding of the sums above, 2⁻²³ at most.
  EXPECT_LE(furthest(blend(source, destination, region).y, destination), 0x1p-22);
}

TEST(BlendPoisson, DirectAndMultigridAgree) {
  test::Random random(3);
  // Three levels; the whole picture but one row, so that three sides are free.
  constexpr std::int64_t kSide = 120;
  const Tensor source = random.tensor({1, kSide, kSide, 1});
  const Tensor destination = random.tensor({1, kSide, kSide, 1});
  const Tensor region = mask_where(kSide, kSide, [](auto y, auto) { return y > 0; });
  const Blended direct = blend(source, destination, region, PoissonMethod::direct);
  const Blended multigrid = blend(source, destination, region, PoissonMethod::multigrid);
  EXPECT_EQ(direct.solution.iterations, 0);
  // Fewer than with a diagonal for a preconditioner, hundreds, by far.
  EXPECT_GT(multigrid.solution.iterations, 1);
  EXPECT_LE(multigrid.solution.iterations, 25);
  // What is solved in double and rounded to float once misses an equation of up to four times its
  // own value and up to four others by half an ulp of each: 8 × u × the largest. The ninth is for
  // what the solvers leave.
  for (const Blended* blended : {&direct, &multigrid}) {
    const double largest =
        std::ranges::max(blended->y.values(), {}, [](float f) { return std::abs(f); });
    EXPECT_LE(furthest_from_equations(blended->y, source, region),
              9 * test::kUnitRoundoff * std::abs(largest));
  }
  // The smallest eigenvalue, that of a wave of which the picture's height is a quarter.
  const double quarter = std::numbers::pi / (2.0 * kSide);
  const double right_hand_side = 2 * std::sqrt(kSide);
  EXPECT_LE(furthest(direct.y, multigrid.y),
            right_hand_side * 2e-9 / (quarter * quarter) + 4 * test::kUnitRoundoff);
  EXPECT_TRUE(untouched(multigrid.y, destination, region));
}

TEST(BlendPoisson, TheSizeOfTheRegionDecides) {
  const Tensor flat = picture_of(210, 210, 1, [](auto, auto) { return 0.5F; });
  const auto square = [](std::int64_t side) {
    return mask_where(210, 210, [side](auto y, auto x) { return y < side && x < side; });
  };
  EXPECT_EQ(blend(flat, flat, square(199)).solution.method, PoissonMethod::direct);
  EXPECT_EQ(blend(flat, flat, square(200)).solution.method, PoissonMethod::multigrid);
}

TEST(BlendPoisson, NothingAndEverything) {
  test::Random random(4);
  const Tensor source = random.tensor({1, 6, 7, 3});
  const Tensor destination = random.tensor({1, 6, 7, 3});
  for (const bool all : {false, true}) {
    const Tensor region = mask_where(6, 7, [all](auto, auto) { return all; });
    const auto [y, solution] = blend(source, destination, region);
    EXPECT_TRUE(std::ranges::equal(y.values(), all ? source.values() : destination.values()));
    EXPECT_EQ(solution.unknowns, all ? 42 : 0);
    EXPECT_EQ(solution.method, PoissonMethod::none);
    EXPECT_EQ(solution.residual, 0);
  }
}

TEST(BlendPoisson, ThreadsAndSlicesAndMachinesGiveTheSame) {
  test::Random random(5);
  const Tensor source = random.tensor({1, 60, 70, 3});
  const Tensor destination = random.tensor({1, 60, 70, 3});
  const Tensor region =
      mask_where(60, 70, [](auto y, auto x) { return y > 2 && x < 60 && (y + x) % 25 != 0; });
  // As computed on x86-64 with Eigen 3.4.0.
  struct Golden {
    PoissonMethod method;
    std::uint64_t checksum;
    double residual;  // its last bits are rounding: another order of operations gives another
  };
  for (const auto& [method, checksum, residual] :
       {Golden{PoissonMethod::direct, 8642335111987215005U, 0x1.aeb70b4cb4cfp-52},
        Golden{PoissonMethod::multigrid, 8441373644677265062U, 0x1.d8170b5aac296p-36}}) {
    for (const int threads : {1, 2, 3}) {
      const Blended blended = blend(source, destination, region, method, threads);
      EXPECT_EQ(test::checksum(blended.y.view()), checksum);
      EXPECT_EQ(blended.solution.residual, residual);
    }
    test::Sliced sliced_source(source.shape(), &source);
    test::Sliced sliced_destination(source.shape(), &destination);
    test::Sliced sliced_region(region.shape(), &region);
    test::Sliced y(source.shape());
    Context ctx({.threads = 2});
    blend_poisson(sliced_source.view(), sliced_destination.view(), sliced_region.view(), y.view(),
                  ctx, method);
    EXPECT_TRUE(y.margins_untouched());
    EXPECT_EQ(test::checksum(y.view()), checksum);
  }
}

TEST(Multigrid, IsSymmetricAndPositive) {
  // What conjugate gradients rest on. Three levels of a strip whose far end is free.
  constexpr int kLength = 12'000;
  SparseMatrix a(kLength, kLength);
  std::vector<GridPlace> places;
  for (int i = 0; i < kLength; ++i) {
    if (i > 0) a.insert(i, i - 1) = -1;
    a.insert(i, i) = i + 1 < kLength ? 2 : 1;
    if (i + 1 < kLength) a.insert(i, i + 1) = -1;
    places.push_back({0, i});
  }
  a.makeCompressed();
  const Multigrid multigrid(a, places);
  test::Random random(6);
  Eigen::VectorXd x(kLength);
  Eigen::VectorXd y(kLength);
  for (int i = 0; i < kLength; ++i) {
    x[i] = random.uniform(-1.0F, 1.0F);
    y[i] = random.uniform(-1.0F, 1.0F);
  }
  const Eigen::VectorXd bx = multigrid.approximate_solution(x);
  const Eigen::VectorXd by = multigrid.approximate_solution(y);
  EXPECT_GT(x.dot(bx), 0);
  // Each is a sum of n products whose factors went through some dozens of roundings a level.
  EXPECT_NEAR(x.dot(by), y.dot(bx), 1e-12 * x.norm() * by.norm());
}

TEST(Multigrid, StopsWhereItIsTold) {
  SparseMatrix a(2, 2);
  a.insert(0, 0) = 2;
  a.insert(0, 1) = -1;
  a.insert(1, 0) = -1;
  a.insert(1, 1) = 2;
  a.makeCompressed();
  const Multigrid multigrid(a, {{0, 0}, {0, 1}});
  const Eigen::Vector2d b(1, 4);
  EXPECT_EQ(multigrid.solve(b, 1e-10, 0).iterations, 0);
  const Multigrid::Solution solution = multigrid.solve(b, 1e-10, 5);
  EXPECT_EQ(solution.iterations, 1);  // two unknowns are factorised
  EXPECT_NEAR(solution.x[0], 2, 1e-14);
  EXPECT_NEAR(solution.x[1], 3, 1e-14);
}

TEST(BlendPoisson, SaysWhatIsWrong) {
  test::Random random(7);
  const Tensor picture = random.tensor({1, 4, 5, 3});
  Tensor region = mask_where(4, 5, [](auto y, auto) { return y > 1; });
  const auto message = [](ConstView source, ConstView destination, ConstView mask, View y) {
    Context ctx({.threads = 1});
    return error_of([&] { blend_poisson(source, destination, mask, y, ctx); });
  };
  Tensor y(picture.shape());
  const Tensor gray({1, 4, 5, 1});
  EXPECT_EQ(message(picture.view(), gray.view(), region.view(), y.view()),
            "blend_poisson: expected a destination of [n 1, h 4, w 5, c 3], got [n 1, h 4, w 5, c "
            "1]");
  EXPECT_EQ(message(gray.view(), gray.view(), region.view(), y.view()),
            "blend_poisson: expected a result of [n 1, h 4, w 5, c 1], got [n 1, h 4, w 5, c 3]");
  EXPECT_EQ(message(picture.view(), picture.view(), picture.view(), y.view()),
            "blend_poisson: expected a mask of [n 1, h 4, w 5, c 1], got [n 1, h 4, w 5, c 3]");
  Tensor broken = Tensor::copy_of(picture.view());
  *broken.view().pixel(0, 1, 3) = std::nanf("");
  EXPECT_EQ(message(broken.view(), picture.view(), region.view(), y.view()),
            "blend_poisson: expected a residual of at most 1e-09, got nan after 0 iterations");
  *region.view().pixel(0, 3, 0) = -1;
  EXPECT_EQ(message(picture.view(), picture.view(), region.view(), y.view()),
            "blend_poisson: expected a mask of 0 and 1, got -1 at x 0, y 3");
}

}  // namespace
}  // namespace hewn
