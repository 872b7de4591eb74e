#include "hewn/ops/grid_sample/grid_sample.h"

#include "hewn/ops/grid_sample/grid_sample_reference.h"
#include "hewn/runtime/error.h"

#include <bit>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "tests/ops/every_way.h"
#include "tests/support/errors.h"
#include "tests/support/random.h"
#include <gtest/gtest.h>

namespace hewn {
namespace {

using Mode = GridSampleParams::Mode;
using Padding = GridSampleParams::Padding;
using test::Random;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr Mode kModes[] = {Mode::nearest, Mode::bilinear, Mode::bicubic};
constexpr Padding kPaddings[] = {Padding::zeros, Padding::border, Padding::reflection};

/// A grid value for a position in pixels.
float to_grid(double pixel, std::int64_t size, bool align_corners) {
  const auto n = static_cast<double>(size);
  const double grid =
      align_corners ? (size > 1 ? 2 * pixel / (n - 1) - 1 : pixel) : (2 * pixel + 1) / n - 1;
  return static_cast<float>(grid);
}

/// Positions up to two pixels outside, and for nearest at least 0.1 from halfway, where the last
/// bit of the position would decide.
Tensor random_grid(const Nhwc& shape, const Nhwc& x, const GridSampleParams& p, Random& random) {
  Tensor grid(shape);
  const float reach = p.mode == Mode::nearest ? 0.4F : 0.5F;
  for (std::size_t i = 0; i < grid.values().size(); ++i) {
    const std::int64_t size = i % 2 == 0 ? x.w : x.h;
    const double pixel =
        static_cast<double>(random.integer(-2, size + 1)) + random.uniform(-reach, reach);
    grid.values()[i] = to_grid(pixel, size, p.align_corners);
  }
  return grid;
}

/// For |x| ≤ 1. A position within two pixels of the picture is off by at most 8 roundings
/// (reflection included) of numbers up to twice the side + 4; slopes and what follows are as for
/// resize().
double error_bound(Mode mode, const Nhwc& x) {
  if (mode == Mode::nearest) return 0;
  const double slope = mode == Mode::bilinear ? 2 : 4.2 * 1.375;
  const double positions = 8 * test::kUnitRoundoff * static_cast<double>(2 * (x.h + x.w) + 8);
  return slope * positions + 2 * 16 * 2 * test::kUnitRoundoff;
}

std::string describe(const Nhwc& x, const GridSampleParams& p) {
  return text_of("x ", x, " mode ", static_cast<int>(p.mode), " padding ",
                 static_cast<int>(p.padding), p.align_corners ? " aligned" : "");
}

void check(const Nhwc& x_shape, std::int64_t out_h, std::int64_t out_w, const GridSampleParams& p,
           Random& random) {
  SCOPED_TRACE(describe(x_shape, p));
  const Nhwc shape{x_shape.n, out_h, out_w, x_shape.c};
  const Tensor x = random.tensor(x_shape);
  const Tensor grid = random_grid({x_shape.n, out_h, out_w, 2}, x_shape, p, random);
  const auto expected = grid_sample_reference(x.view(), grid.view(), p);
  const std::vector<double> bound(expected.size(), error_bound(p.mode, x_shape));
  test::check_every_way(
      x, shape, expected, bound, test::InPlace::forbidden,
      [&](ConstView from, View to, Context& ctx) { grid_sample(from, grid.view(), p, to, ctx); });
}

TEST(GridSample, AgreesWithTheReferenceAroundTheWidthOfVectors) {
  Random random(1);
  for (const Mode mode : kModes) {
    for (std::int64_t channels : {1, 2, 15, 16, 17, 33}) {
      for (std::int64_t width : {1, 15, 16, 17}) {
        check({1, 4, 5, channels}, 2, width, {.mode = mode}, random);
      }
    }
  }
}

TEST(GridSample, AgreesWithTheReferenceOnAnyGeometry) {
  Random random(2);
  for (const Mode mode : kModes) {
    for (const Padding padding : kPaddings) {
      for (const bool align_corners : {false, true}) {
        for (int i = 0; i < 6; ++i) {
          const Nhwc x{random.integer(1, 3), random.integer(1, 12), random.integer(1, 12),
                       random.integer(1, 20)};
          check(x, random.integer(1, 6), random.integer(1, 20), {mode, padding, align_corners},
                random);
        }
      }
    }
  }
}

/// Samples the row 1 2 3 4 at the given horizontal positions.
std::vector<float> sample_ramp(const std::vector<float>& at, const GridSampleParams& p) {
  Tensor x({1, 1, 4, 1});
  std::iota(x.values().begin(), x.values().end(), 1.0F);
  const auto count = static_cast<std::int64_t>(at.size());
  Tensor grid({1, 1, count, 2});
  for (std::size_t i = 0; i < at.size(); ++i) {
    grid.values()[2 * i] = at[i];
    grid.values()[2 * i + 1] = 0;
  }
  Tensor y({1, 1, count, 1});
  Context ctx;
  grid_sample(x.view(), grid.view(), p, y.view(), ctx);
  return {y.values().begin(), y.values().end()};
}

// What torch.nn.functional.grid_sample (2.13, CPU) prints; halves among the positions show that
// nearest rounds them to even.
TEST(GridSample, SamplesWherePyTorchDoes) {
  struct Row {
    Mode mode;
    Padding padding;
    bool align_corners;
    std::vector<float> expected;
  };
  const Row rows[] = {
      {Mode::nearest, Padding::zeros, false, {0, 1, 1, 3, 3, 0, 0, 0}},
      {Mode::nearest, Padding::zeros, true, {0, 1, 2, 3, 3, 4, 0, 0}},
      {Mode::nearest, Padding::border, false, {1, 1, 1, 3, 3, 4, 4, 4}},
      {Mode::nearest, Padding::reflection, false, {1, 1, 1, 3, 3, 4, 3, 3}},
      {Mode::nearest, Padding::reflection, true, {2, 1, 2, 3, 3, 4, 3, 3}},
      {Mode::bilinear, Padding::zeros, false, {0, 0.5F, 1.5F, 2.5F, 3.5F, 2, 0, 0}},
      {Mode::bilinear, Padding::zeros, true, {0.25F, 1, 1.75F, 2.5F, 3.25F, 4, 1, 0}},
      {Mode::bilinear, Padding::border, true, {1, 1, 1.75F, 2.5F, 3.25F, 4, 4, 4}},
      {Mode::bilinear, Padding::reflection, false, {1.5F, 1, 1.5F, 2.5F, 3.5F, 4, 3.5F, 2.5F}},
      {Mode::bicubic,
       Padding::zeros,
       false,
       {-0.09375F, 0.40625F, 1.5F, 2.5F, 3.96875F, 2.09375F, -0.375F, 0}},
      {Mode::bicubic,
       Padding::border,
       true,
       {0.964844F, 1, 1.667969F, 2.5F, 3.332031F, 4, 4.035156F, 4}},
      {Mode::bicubic,
       Padding::reflection,
       false,
       {1.40625F, 0.8125F, 1.40625F, 2.5F, 3.59375F, 4.1875F, 3.59375F, 2.5F}},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(describe({1, 1, 4, 1}, {row.mode, row.padding, row.align_corners}));
    const auto got = sample_ramp({-1.5F, -1, -0.5F, 0, 0.5F, 1, 1.5F, 2},
                                 {row.mode, row.padding, row.align_corners});
    // The expected values are printed to six decimals.
    for (std::size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], row.expected[i], 1e-6F) << i;
  }
}

TEST(GridSample, PositionsThatAreNoPlaceDoAsInPyTorch) {
  const std::vector<float> at{kNan, kInfinity, -kInfinity, 3e38F};  // the last overflows in pixels
  const auto expect = [&](const GridSampleParams& p, const std::vector<float>& expected) {
    SCOPED_TRACE(describe({1, 1, 4, 1}, p));
    const auto got = sample_ramp(at, p);
    for (std::size_t i = 0; i < at.size(); ++i) {
      EXPECT_TRUE(got[i] == expected[i] || (std::isnan(got[i]) && std::isnan(expected[i])))
          << i << ": " << got[i];
    }
  };
  const std::vector<float> all_nan(4, kNan);
  for (const bool aligned : {false, true}) {
    expect({Mode::nearest, Padding::zeros, aligned}, {0, 0, 0, 0});
    expect({Mode::bilinear, Padding::zeros, aligned}, all_nan);
    for (const Mode mode : {Mode::nearest, Mode::bilinear}) {
      expect({mode, Padding::border, aligned}, {1, 4, 1, 4});
      expect({mode, Padding::reflection, aligned}, {1, 1, 1, 1});
    }
    for (const Padding padding : kPaddings) expect({Mode::bicubic, padding, aligned}, all_nan);
  }
}

TEST(GridSample, AnyGridIsSafe) {
  Random random(3);
  // Random bits: denormals, huge numbers, infinities, NaN of every kind. The sanitizers look on.
  for (const Mode mode : kModes) {
    for (const Padding padding : kPaddings) {
      for (const bool align_corners : {false, true}) {
        for (const Nhwc& shape : {Nhwc{1, 1, 1, 1}, Nhwc{1, 3, 7, 2}, Nhwc{1, 5, 1, 17}}) {
          const Tensor x = random.tensor(shape);
          Tensor grid({1, 8, 25, 2});
          for (float& value : grid.values()) {
            value = std::bit_cast<float>(static_cast<std::uint32_t>(random.bits()));
          }
          Tensor y({1, 8, 25, shape.c});
          Context ctx;
          grid_sample(x.view(), grid.view(), {mode, padding, align_corners}, y.view(), ctx);
          // Cubic weights overshoot: their absolute values sum up to 1.375 along an axis.
          for (const float value : y.values()) {
            EXPECT_TRUE(std::isnan(value) || std::abs(value) <= 1.9F) << value;
          }
        }
      }
    }
  }
}

TEST(GridSample, NanOfAPixelOutsideIsNotSeen) {
  Tensor x({1, 1, 3, 1});
  fill(x.view(), kNan);
  x.values()[2] = 5;
  Tensor grid({1, 1, 1, 2});
  grid.values()[0] = 1;  // the centre of the last pixel: its right neighbour has weight 0
  grid.values()[1] = 0;
  Tensor y({1, 1, 1, 1});
  Context ctx;
  for (const Padding padding : kPaddings) {
    grid_sample(x.view(), grid.view(), {Mode::bilinear, padding, true}, y.view(), ctx);
    EXPECT_EQ(y.values()[0], 5);
  }
}

TEST(GridSample, EmptyGivesEmpty) {
  Context ctx;
  const auto run = [&](const Nhwc& in, std::int64_t h, std::int64_t w) {
    const Tensor x(in);
    const Tensor grid({in.n, h, w, 2});
    Tensor y({in.n, h, w, in.c});
    grid_sample(x.view(), grid.view(), {}, y.view(), ctx);
  };
  EXPECT_NO_THROW(run({0, 3, 3, 2}, 4, 4));
  EXPECT_NO_THROW(run({1, 3, 3, 0}, 4, 4));
  EXPECT_NO_THROW(run({1, 3, 3, 2}, 0, 4));
  EXPECT_NO_THROW(run({1, 3, 3, 2}, 4, 0));
}

TEST(GridSample, NamesWhatIsWrong) {
  const auto message = [](const Nhwc& in, const Nhwc& at, const Nhwc& out) {
    return test::error_of([&] {
      const Tensor x(in);
      const Tensor grid(at);
      Tensor y(out);
      Context ctx;
      grid_sample(x.view(), grid.view(), {}, y.view(), ctx);
    });
  };
  EXPECT_EQ(message({1, 0, 4, 2}, {1, 2, 2, 2}, {1, 2, 2, 2}),
            "grid_sample: expected a picture of at least one pixel, got [n 1, h 0, w 4, c 2]");
  EXPECT_EQ(message({1, 4, 4, 2}, {1, 2, 2, 3}, {1, 2, 2, 2}),
            "grid_sample: expected a grid of n 1, c 2, got [n 1, h 2, w 2, c 3]");
  EXPECT_EQ(message({1, 4, 4, 2}, {1, 2, 3, 2}, {1, 2, 2, 2}),
            "grid_sample: expected an output of [n 1, h 2, w 3, c 2], got [n 1, h 2, w 2, c 2]");
}

}  // namespace
}  // namespace hewn
