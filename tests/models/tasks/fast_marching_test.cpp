#include "hewn/models/tasks/inpainting/fast_marching.h"

#include "hewn/models/tasks/inpainting/border_distance.h"
#include "hewn/models/tasks/inpainting/hole.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <vector>

#include "tests/support/compare.h"
#include "tests/support/errors.h"
#include "tests/support/masks.h"
#include "tests/support/random.h"
#include <gtest/gtest.h>

namespace hewn {
namespace {

using test::error_of;
using test::mask_of_blocks;
using test::mask_of_dots;
using test::mask_where;
using test::missing;

Hole hole_in(const Tensor& mask) { return hole_of("test", mask.view(), mask.view()); }

Tensor filled(const Tensor& picture, const Tensor& mask, double radius) {
  Tensor y(picture.shape());
  inpaint_fast_marching(picture.view(), mask.view(), radius, y.view());
  return y;
}

TEST(BorderDistance, OfAHalfPlaneIsExact) {
  const Hole hole = hole_in(mask_where(6, 20, [](auto, auto x) { return x >= 8; }));
  const BorderDistance border = border_distance(hole, 5);
  for (std::int64_t i = 0; i < hole.pixels(); ++i) {
    const auto expected = static_cast<double>(i % 20 - 7);
    // √2 × 5 = 7.07: all of the known side is near enough.
    EXPECT_EQ(border.distance[static_cast<std::size_t>(i)], expected) << i;
  }
  ASSERT_EQ(border.order.size(), 6U * 12U);
  for (std::size_t k = 0; k < border.order.size(); ++k) {
    // Column by column, and within a column in the order in which the border was seen.
    EXPECT_EQ(border.order[k], static_cast<std::int64_t>((k % 6) * 20 + 8 + k / 6));
  }
}

TEST(BorderDistance, FromAPointIsWithinTheSchemesError) {
  const Hole hole = hole_in(mask_where(41, 41, [](auto y, auto x) { return y != 20 || x != 20; }));
  const BorderDistance border = border_distance(hole, 1);
  for (std::int64_t i = 0; i < hole.pixels(); ++i) {
    const auto y = static_cast<double>(i / 41 - 20);
    const auto x = static_cast<double>(i % 41 - 20);
    const double exact = std::sqrt(y * y + x * x);
    const double distance = border.distance[static_cast<std::size_t>(i)];
    if (x == 0 || y == 0) {
      EXPECT_EQ(distance, exact);
    }
    // The scheme takes the front for flat: in the first pixel off the axes it makes 1 + √½ of √2,
    // and of each further one an error that shrinks as the curvature does, the sum a logarithm.
    EXPECT_GE(distance, exact - 1e-12);
    EXPECT_LE(distance, exact + (1 + std::sqrt(0.5) - std::sqrt(2.0)) * (1 + std::log(1 + exact)));
  }
}

TEST(BorderDistance, SolvesTheUpwindEquationsEverywhere) {
  test::Random random(1);
  for (int round = 0; round < 4; ++round) {
    const Tensor mask =
        round < 2 ? mask_of_blocks(random, 23, 31) : mask_of_dots(random, 23, 31, round / 4.0);
    const Hole hole = hole_in(mask);
    const BorderDistance border = border_distance(hole, 3);
    const auto at = [&](std::int64_t y, std::int64_t x) {
      if (y < 0 || y >= hole.h || x < 0 || x >= hole.w) {
        return std::numeric_limits<double>::infinity();
      }
      return std::max(border.distance[static_cast<std::size_t>(y * hole.w + x)], 0.0);
    };
    for (std::int64_t y = 0; y < hole.h; ++y) {
      for (std::int64_t x = 0; x < hole.w; ++x) {
        if (!missing(mask, y * hole.w + x)) continue;
        // max(T − a, 0)² + max(T − b, 0)² = 1 (Rouy and Tourin, 1992), to a few roundings.
        const double in_x = std::max(at(y, x) - std::min(at(y, x - 1), at(y, x + 1)), 0.0);
        const double in_y = std::max(at(y, x) - std::min(at(y - 1, x), at(y + 1, x)), 0.0);
        EXPECT_NEAR(in_x * in_x + in_y * in_y, 1, 1e-12) << "y " << y << ", x " << x;
      }
    }
    ASSERT_EQ(static_cast<std::int64_t>(border.order.size()), hole.count);
    EXPECT_TRUE(std::ranges::is_sorted(border.order, {}, [&](std::int64_t pixel) {
      return border.distance[static_cast<std::size_t>(pixel)];
    }));
  }
}

TEST(BorderDistance, ReachesAllThatARadiusMayMeet) {
  test::Random random(2);
  const Hole hole = hole_in(mask_of_dots(random, 40, 40, 0.01));
  const double radius = 6;
  const BorderDistance border = border_distance(hole, radius);
  for (std::int64_t i = 0; i < hole.pixels(); ++i) {
    for (std::int64_t k = 0; hole.contains(i) && k < hole.pixels(); ++k) {
      const auto y = static_cast<double>(i / 40 - k / 40);
      const auto x = static_cast<double>(i % 40 - k % 40);
      if (y * y + x * x > radius * radius) continue;
      EXPECT_TRUE(std::isfinite(border.distance[static_cast<std::size_t>(k)])) << k;
    }
  }
}

TEST(InpaintFastMarching, ByHand) {
  Tensor row({1, 1, 4, 1});
  std::ranges::copy(std::vector<float>{3, -1, -1, 9}, row.values().begin());
  const Tensor middle = mask_where(1, 4, [](auto, auto x) { return x == 1 || x == 2; });
  const Tensor y = filled(row, middle, 1);
  // The first has one neighbour. The second has one at its own distance and one a level below,
  // which counts half.
  EXPECT_EQ(y.values()[1], 3);
  EXPECT_EQ(y.values()[2], (2 * 3 + 9) / 3.0F);

  Tensor cross({1, 3, 3, 1});
  std::ranges::copy(std::vector<float>{9, 1, 9, 2, -1, 3, 9, 6, 9}, cross.values().begin());
  const Tensor centre = mask_where(3, 3, [](auto y, auto x) { return y == 1 && x == 1; });
  EXPECT_EQ(filled(cross, centre, 1).values()[4], 3);  // no direction is ahead: the mean of 1 2 3 6
}

/// The definition, pixel by pixel, in plain loops.
Tensor reference(const Tensor& picture, const Tensor& mask, double radius) {
  Tensor y = Tensor::copy_of(picture.view());
  Hole hole = hole_in(mask);
  const BorderDistance border = border_distance(hole, radius);
  const auto t = [&](std::int64_t row, std::int64_t column) {
    return border.distance[static_cast<std::size_t>(row * hole.w + column)];
  };
  // The slope of T along an axis, from what lies before and after the pixel, or itself at the
  // border.
  const auto slope = [](double before, double after, bool at_border) {
    return at_border ? after - before : (after - before) / 2;
  };
  for (const std::int64_t pixel : border.order) {
    const std::int64_t py = pixel / hole.w;
    const std::int64_t px = pixel % hole.w;
    const std::int64_t up = std::max<std::int64_t>(py - 1, 0);
    const std::int64_t down = std::min(py + 1, hole.h - 1);
    const std::int64_t left = std::max<std::int64_t>(px - 1, 0);
    const std::int64_t right = std::min(px + 1, hole.w - 1);
    const double ahead_y = slope(t(up, px), t(down, px), down - up < 2);
    const double ahead_x = slope(t(py, left), t(py, right), right - left < 2);
    for (std::int64_t c = 0; c < y.shape().c; ++c) {
      double sum = 0;
      double weights = 0;
      for (std::int64_t qy = 0; qy < hole.h; ++qy) {
        for (std::int64_t qx = 0; qx < hole.w; ++qx) {
          const auto dy = static_cast<double>(py - qy);
          const auto dx = static_cast<double>(px - qx);
          const double length = std::hypot(dy, dx);
          if (hole.contains(qy * hole.w + qx) || length > radius) continue;
          const double direction = std::abs(dy * ahead_y + dx * ahead_x) / length;
          const double weight =
              std::max(direction, 0.01) / (length * length) / (1 + std::abs(t(qy, qx) - t(py, px)));
          sum += weight * y.view().pixel(0, qy, qx)[c];
          weights += weight;
        }
      }
      y.view().pixel(0, py, px)[c] = static_cast<float>(sum / weights);
    }
    hole.inside[static_cast<std::size_t>(pixel)] = 0;
  }
  return y;
}

TEST(InpaintFastMarching, IsWhatTheDefinitionSays) {
  test::Random random(3);
  for (const double radius : {1.0, 2.0, 2.5, 5.0}) {
    const Tensor picture = random.tensor({1, 19, 26, 2}, 0, 1);
    const Tensor mask = mask_of_blocks(random, 19, 26);
    const Tensor y = filled(picture, mask, radius);
    const Tensor expected = reference(picture, mask, radius);
    for (std::size_t i = 0; i < y.values().size(); ++i) {
      // Both round sums in double, differently, to float: an ulp, which the pixels filled later
      // average and do not magnify, each adding its own. No hole here is deeper than 9 pixels.
      EXPECT_NEAR(y.values()[i], expected.values()[i], 10 * 2 * test::kUnitRoundoff);
    }
  }
}

TEST(InpaintFastMarching, KnownPixelsStayAndTheirRangeHolds) {
  test::Random random(4);
  for (const double share : {0.05, 0.5, 0.95}) {
    Tensor picture = random.tensor({1, 30, 21, 3}, 0.2F, 0.7F);
    const Tensor mask = mask_of_dots(random, 30, 21, share);
    for (std::int64_t i = 0; i < 30 * 21; ++i) {
      // What is missing is not read.
      if (missing(mask, i)) fill({picture.view().pixel(0, 0, i), {1, 1, 1, 3}}, std::nanf(""));
    }
    const Tensor y = filled(picture, mask, 3);
    for (std::int64_t i = 0; i < 30 * 21; ++i) {
      for (std::int64_t c = 0; c < 3; ++c) {
        const float value = y.view().pixel(0, 0, i)[c];
        if (missing(mask, i)) {
          EXPECT_GE(value, 0.2F);
          EXPECT_LE(value, 0.7F);
        } else {
          EXPECT_EQ(value, picture.view().pixel(0, 0, i)[c]);
        }
      }
    }
  }
}

TEST(InpaintFastMarching, AConstantPictureStaysConstant) {
  test::Random random(5);
  Tensor picture({1, 25, 25, 3});
  fill(picture.view(), 0.3F);
  const Tensor y = filled(picture, mask_of_blocks(random, 25, 25), 4);
  // A mean in double rounds to the very float.
  EXPECT_TRUE(std::ranges::all_of(y.values(), [](float value) { return value == 0.3F; }));
}

TEST(InpaintFastMarching, HolesFarApartDoNotKnowOfEachOther) {
  test::Random random(6);
  const Tensor picture = random.tensor({1, 16, 40, 1}, 0, 1);
  const auto left = [](auto y, auto x) { return y < 6 && x < 7; };
  const auto right = [](auto y, auto x) { return y >= 4 && y < 12 && x >= 25 && x < 33; };
  const Tensor both = filled(
      picture, mask_where(16, 40, [&](auto y, auto x) { return left(y, x) || right(y, x); }), 4);
  const Tensor one = filled(picture, mask_where(16, 40, left), 4);
  const Tensor other = filled(picture, mask_where(16, 40, right), 4);
  for (std::int64_t i = 0; i < 16 * 40; ++i) {
    const Tensor& alone = i % 40 < 16 ? one : other;
    EXPECT_EQ(*both.view().pixel(0, 0, i), *alone.view().pixel(0, 0, i)) << i;
  }
}

TEST(InpaintFastMarching, NothingMissingAndAllMissing) {
  test::Random random(7);
  const Tensor picture = random.tensor({1, 5, 8, 3});
  for (const bool all : {false, true}) {
    const Tensor mask = mask_where(5, 8, [all](auto, auto) { return all; });
    EXPECT_TRUE(std::ranges::equal(filled(picture, mask, 5).values(), picture.values()));
  }
  const Tensor nothing({1, 0, 0, 3});
  EXPECT_EQ(filled(nothing, Tensor({1, 0, 0, 1}), 5).shape(), nothing.shape());
}

TEST(InpaintFastMarching, SlicesGiveTheSameAndSoDoesEveryMachine) {
  test::Random random(8);
  const Tensor picture = random.tensor({1, 33, 29, 3}, 0, 1);
  const Tensor mask = mask_of_blocks(random, 33, 29);
  test::Sliced sliced_picture(picture.shape(), &picture);
  test::Sliced sliced_mask(mask.shape(), &mask);
  test::Sliced y(picture.shape());
  inpaint_fast_marching(sliced_picture.view(), sliced_mask.view(), 5, y.view());
  EXPECT_TRUE(y.margins_untouched());
  EXPECT_EQ(test::checksum(y.view()), test::checksum(filled(picture, mask, 5).view()));
  // As computed on x86-64; a machine that fuses or reorders anything gets another, if not here then
  // in the double sum.
  EXPECT_EQ(test::checksum(y.view()), 5058019568675165730U);
  const BorderDistance border = border_distance(hole_in(mask_of_dots(random, 50, 50, 0.99)), 1);
  double sum = 0;
  for (const std::int64_t pixel : border.order) {
    sum += border.distance[static_cast<std::size_t>(pixel)];
  }
  EXPECT_EQ(sum, 0x1.99c88a01bc87dp+13);
}

TEST(InpaintFastMarching, SaysWhatIsWrong) {
  const Tensor picture({1, 4, 5, 3});
  Tensor mask = mask_where(4, 5, [](auto, auto) { return false; });
  Tensor y(picture.shape());
  const auto message = [&](ConstView p, ConstView m, double radius, View result) {
    return error_of([&] { inpaint_fast_marching(p, m, radius, result); });
  };
  const Tensor two({2, 4, 5, 3});
  EXPECT_EQ(message(two.view(), mask.view(), 5, y.view()),
            "inpaint_fast_marching: expected a picture [n 1, h, w, c 1 or more], got [n 2, h 4, w "
            "5, c 3]");
  EXPECT_EQ(message(picture.view(), picture.view(), 5, y.view()),
            "inpaint_fast_marching: expected a mask of [n 1, h 4, w 5, c 1], got [n 1, h 4, w 5, c "
            "3]");
  EXPECT_EQ(message(picture.view(), mask.view(), 5, y.view().channels(0, 2)),
            "inpaint_fast_marching: expected a result of [n 1, h 4, w 5, c 3], got [n 1, h 4, w 5, "
            "c 2]");
  for (const double radius : {0.5, 101.0, std::nan("")}) {
    EXPECT_TRUE(message(picture.view(), mask.view(), radius, y.view())
                    .starts_with("inpaint_fast_marching: expected a radius from 1 to 100, got "));
  }
  *mask.view().pixel(0, 2, 1) = 0.5F;
  EXPECT_EQ(message(picture.view(), mask.view(), 5, y.view()),
            "inpaint_fast_marching: expected a mask of 0 and 1, got 0.5 at x 1, y 2");
}

}  // namespace
}  // namespace hewn
