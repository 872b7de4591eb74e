#include "hewn/models/tasks/optical_flow/flow_colours.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <optional>
#include <vector>

#include "tests/support/errors.h"
#include "tests/support/random.h"
#include <gtest/gtest.h>

namespace hewn {
namespace {

using test::error_of;

/// A field of one row.
Tensor row_of(const std::vector<float>& values) {
  Tensor flow({1, 1, static_cast<std::int64_t>(values.size() / 2), 2});
  std::ranges::copy(values, flow.values().begin());
  return flow;
}

Tensor mask_of(const std::vector<float>& values) {
  Tensor mask({1, 1, static_cast<std::int64_t>(values.size()), 1});
  std::ranges::copy(values, mask.values().begin());
  return mask;
}

using Values = std::vector<std::uint16_t>;

TEST(DrawFlow, TheFourDirectionsAndNone) {
  const Tensor flow = row_of({1, 0, 0, 1, -1, 0, 0, -1, 0, 0});
  const Image image = draw_flow(flow.view());
  EXPECT_EQ(image.width, 5);
  EXPECT_EQ(image.height, 1);
  EXPECT_EQ(image.channels, 3);
  EXPECT_EQ(image.bits, 8);
  // Along the wheel's 54 steps: 0; 13.5, half between (255, 221, 0) and (255, 238, 0); 27, the
  // third of the eleven from cyan to blue; 40.5, between (78, 0, 255) and (98, 0, 255).
  EXPECT_EQ(image.values, (Values{255, 0, 0,    //
                                  255, 229, 0,  //
                                  0, 209, 255,  //
                                  88, 0, 255,   //
                                  255, 255, 255}));
}

TEST(DrawFlow, BothZerosAreOne) {
  const Tensor flow = row_of({1, -0.0F, 1, 0.0F, -0.0F, -0.0F, -0.0F, 1});
  EXPECT_EQ(draw_flow(flow.view()).values,
            (Values{255, 0, 0, 255, 0, 0, 255, 255, 255, 255, 229, 0}));
}

TEST(DrawFlow, SaturationGrowsWithTheLengthAndBeyondItIsDark) {
  const Tensor flow = row_of({2, 0, 4, 0, 4.5F, 0, 8, 0});
  EXPECT_EQ(draw_flow(flow.view(), 4).values, (Values{255, 127, 127,  // half of the way from white
                                                      255, 0, 0,      //
                                                      191, 0, 0,      // 0.75 × 255 = 191.25
                                                      191, 0, 0}));
  EXPECT_EQ(draw_flow(flow.view(), 8).values,
            (Values{255, 191, 191, 255, 127, 127, 255, 111, 111, 255, 0, 0}));
}

TEST(DrawFlow, EveryDirectionHasItsHue) {
  // Around the wheel, at full length, neighbours differ a little, and six places are pure.
  constexpr int kSteps = 54;
  Tensor flow({1, 1, kSteps, 2});
  for (int i = 0; i < kSteps; ++i) {
    const double angle = 2 * std::numbers::pi * (i + 0.01) / kSteps;  // just past hue i
    flow.view().pixel(0, 0, i)[0] = static_cast<float>(std::cos(angle));
    flow.view().pixel(0, 0, i)[1] = static_cast<float>(std::sin(angle));
  }
  const Image image = draw_flow(flow.view(), 1.001);
  const auto colour = [&](std::size_t i) { return &image.values[3 * i]; };
  const auto expect_near = [&](std::size_t i, int red, int green, int blue) {
    // A hundredth of a step is at most 0.64 of 255, and the radius leaves 0.26 of white.
    EXPECT_NEAR(colour(i)[0], red, 2) << i;
    EXPECT_NEAR(colour(i)[1], green, 2) << i;
    EXPECT_NEAR(colour(i)[2], blue, 2) << i;
  };
  expect_near(0, 255, 0, 0);
  expect_near(15, 255, 255, 0);
  expect_near(21, 0, 255, 0);
  expect_near(25, 0, 255, 255);
  expect_near(36, 0, 0, 255);
  expect_near(49, 255, 0, 255);
}

TEST(DrawFlow, TheUnknownIsBlackAndDoesNotCount) {
  const Tensor flow = row_of({3, 0, 100, 0, std::nanf(""), 0, 0, 1e10F,
                              std::numeric_limits<float>::infinity(), 0, 0, -1.5F});
  const Tensor valid = mask_of({1, 0, 1, 1, 1, 1});
  EXPECT_EQ(longest(flow.view()), 100);
  EXPECT_EQ(longest(flow.view(), valid.view()), 3);
  EXPECT_EQ(draw_flow(flow.view(), std::nullopt, valid.view()).values,
            (Values{255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 171, 127, 255}));
}

TEST(DrawFlow, NoMotionIsWhite) {
  const Tensor still = row_of({0, 0, 0, 0});
  EXPECT_EQ(longest(still.view()), 0);
  EXPECT_EQ(draw_flow(still.view()).values, Values(6, 255));
  const Tensor none = mask_of({0, 0});
  EXPECT_EQ(longest(still.view(), none.view()), 0);
  EXPECT_EQ(draw_flow(still.view(), std::nullopt, none.view()).values, Values(6, 0));
  EXPECT_TRUE(draw_flow(Tensor({1, 0, 3, 2}).view()).values.empty());
}

TEST(DrawFlow, TheLongestVectorIsNotBeyondItself) {
  // A radius rounded to float would be a little too short for about half of these.
  test::Random random(1);
  for (int i = 0; i < 200; ++i) {
    const float x = random.uniform(-9, 9);
    const float y = random.uniform(-9, 9);
    const Image image = draw_flow(row_of({x, y}).view());
    EXPECT_EQ(*std::ranges::max_element(image.values), 255) << x << " " << y;
  }
}

TEST(DrawFlow, SlicesAreDrawnAlike) {
  test::Random random(2);
  const Tensor flow = random.tensor({1, 7, 5, 2}, -3, 3);
  const Tensor valid = random.tensor({1, 7, 5, 1});
  test::Sliced sliced_flow(flow.shape(), &flow);
  test::Sliced sliced_valid(valid.shape(), &valid);
  const Image image = draw_flow(flow.view(), std::nullopt, valid.view());
  EXPECT_EQ(draw_flow(sliced_flow.view(), std::nullopt, sliced_valid.view()).values, image.values);
  EXPECT_EQ(image.height, 7);
  EXPECT_EQ(image.width, 5);
  // Rows are rows: pixel (2, 3) is its own vector's colour.
  const std::vector<float> vector(flow.view().pixel(0, 2, 3), flow.view().pixel(0, 2, 3) + 2);
  const double radius = longest(flow.view(), valid.view());
  const Values alone = draw_flow(row_of(vector).view(), radius).values;
  const Values all = draw_flow(flow.view(), radius).values;
  EXPECT_EQ(Values(all.begin() + 39, all.begin() + 42), alone);
  EXPECT_NE(Values(all.begin() + 36, all.begin() + 39), alone);
}

TEST(DrawFlow, SaysWhatIsWrong) {
  const Tensor flow({1, 2, 3, 2});
  EXPECT_EQ(error_of([&] {
              draw_flow(Tensor({1, 2, 3, 3}).view());
            }),
            "draw_flow: expected a flow field [n 1, h, w, c 2], got [n 1, h 2, w 3, c 3]");
  EXPECT_EQ(error_of([&] { draw_flow(flow.view(), 1, flow.view()); }),
            "draw_flow: expected a mask of [n 1, h 2, w 3, c 1], got [n 1, h 2, w 3, c 2]");
  EXPECT_EQ(error_of([&] {
              longest(Tensor({2, 2, 3, 2}).view());
            }),
            "longest: expected a flow field [n 1, h, w, c 2], got [n 2, h 2, w 3, c 2]");
  EXPECT_EQ(error_of([&] { draw_flow(flow.view(), -2); }),
            "draw_flow: expected a radius above 0, got -2");
  EXPECT_EQ(error_of([&] { draw_flow(flow.view(), 0); }),
            "draw_flow: expected a radius above 0, got 0");
  EXPECT_EQ(error_of([&] { draw_flow(flow.view(), std::nan("")); }),
            "draw_flow: expected a radius above 0, got nan");
  EXPECT_EQ(error_of([&] { draw_flow(flow.view(), std::numeric_limits<double>::infinity()); }),
            "draw_flow: expected a radius above 0, got inf");
}

}  // namespace
}  // namespace hewn
