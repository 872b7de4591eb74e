#include "hewn/models/tasks/optical_flow/warm_start.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <utility>
#include <vector>

#include "tests/support/compare.h"
#include "tests/support/errors.h"
#include "tests/support/random.h"
#include <gtest/gtest.h>

namespace hewn {
namespace {

using test::error_of;
using test::Random;

std::vector<float> values_of(const Tensor& tensor) {
  return {tensor.values().begin(), tensor.values().end()};
}

/// The definition: for each pixel, every vector of the field.
Tensor by_definition(const Tensor& flow) {
  const Nhwc& s = flow.shape();
  Tensor projected(s);
  fill(projected.view(), 0);
  for (std::int64_t y = 0; y < s.h; ++y) {
    for (std::int64_t x = 0; x < s.w; ++x) {
      double nearest = std::numeric_limits<double>::infinity();
      for (std::int64_t from_y = 0; from_y < s.h; ++from_y) {
        for (std::int64_t from_x = 0; from_x < s.w; ++from_x) {
          const float* vector = flow.view().pixel(0, from_y, from_x);
          const double at_x = static_cast<double>(from_x) + vector[0];
          const double at_y = static_cast<double>(from_y) + vector[1];
          const bool within = at_x > 0 && at_x < static_cast<double>(s.w) && at_y > 0 &&
                              at_y < static_cast<double>(s.h);
          const double dx = at_x - static_cast<double>(x);
          const double dy = at_y - static_cast<double>(y);
          if (!within || dx * dx + dy * dy >= nearest) continue;
          nearest = dx * dx + dy * dy;
          std::copy_n(vector, 2, projected.view().pixel(0, y, x));
        }
      }
    }
  }
  return projected;
}

Tensor project(const Tensor& flow) {
  Tensor projected(flow.shape());
  fill(projected.view(), std::nanf(""));
  forward_project(flow.view(), projected.view());
  return projected;
}

/// A field of which every component is what the next call gives.
Tensor field(const Nhwc& shape, const std::function<float()>& component) {
  Tensor flow(shape);
  for (float& value : flow.values()) value = component();
  return flow;
}

/// A field that takes pixel (x, y) to land(x, y).
template <typename Land>
Tensor field_to(std::int64_t h, std::int64_t w, const Land& land) {
  Tensor flow({1, h, w, 2});
  for (std::int64_t y = 0; y < h; ++y) {
    for (std::int64_t x = 0; x < w; ++x) {
      const auto [to_x, to_y] = land(static_cast<double>(x), static_cast<double>(y));
      flow.view().pixel(0, y, x)[0] = static_cast<float>(to_x - static_cast<double>(x));
      flow.view().pixel(0, y, x)[1] = static_cast<float>(to_y - static_cast<double>(y));
    }
  }
  return flow;
}

constexpr Nhwc kShapes[] = {{1, 1, 1, 2}, {1, 1, 2, 2},  {1, 1, 40, 2}, {1, 40, 1, 2},
                            {1, 2, 2, 2}, {1, 3, 17, 2}, {1, 24, 31, 2}};

TEST(ForwardProject, IsWhatTheDefinitionSays) {
  Random random(1);
  for (const Nhwc& shape : kShapes) {
    for (const float reach : {0.3F, 2.0F, 10.0F, 100.0F}) {
      const Tensor flow = field(shape, [&] { return random.uniform(-reach, reach); });
      EXPECT_EQ(values_of(project(flow)), values_of(by_definition(flow))) << shape << " " << reach;
    }
  }
}

TEST(ForwardProject, OfManyEquallyNearTheFirstIsTaken) {
  Random random(2);
  for (const Nhwc& shape : kShapes) {
    for (const int reach : {1, 3, 20}) {
      // Whole and half pixels: many land in one place, or as far to the left as to the right.
      const Tensor flow = field(
          shape, [&] { return static_cast<float>(random.integer(-2 * reach, 2 * reach)) / 2; });
      EXPECT_EQ(values_of(project(flow)), values_of(by_definition(flow))) << shape << " " << reach;
    }
  }
}

TEST(ForwardProject, CrowdsAndDeserts) {
  Random random(3);
  const auto jitter = [&] { return random.uniform(0.0, 0.25); };
  const auto expect_right = [](const Tensor& flow) {
    EXPECT_EQ(values_of(project(flow)), values_of(by_definition(flow)));
  };
  // All within a quarter of a pixel; all in one place; on a line; on a circle around a pixel.
  expect_right(
      field_to(20, 30, [&](double, double) { return std::pair(29 + jitter(), jitter()); }));
  expect_right(field_to(20, 30, [&](double, double) { return std::pair(7.0, 11.0); }));
  expect_right(field_to(20, 30, [&](double x, double) { return std::pair(x, 5.5); }));
  expect_right(field_to(20, 30, [&](double, double y) { return std::pair(12.25, y); }));
  expect_right(field_to(20, 30, [&](double x, double y) {
    const double angle = x + 30 * y;
    return std::pair(15 + 8 * std::cos(angle), 10 + 8 * std::sin(angle));
  }));
}

TEST(ForwardProject, ByHand) {
  // Pixel 1 moves to 2.5, pixel 2 to 1.25; 0 stays on the border, which is outside; 3 leaves.
  Tensor flow({1, 2, 4, 2});
  std::ranges::copy(std::vector<float>{0, 0.5F, 1.5F, 0.5F, -0.75F, 0.5F, 1, 0.5F,  //
                                       0, 9, 0, 9, 0, 9, 0, 9},
                    flow.values().begin());
  EXPECT_EQ(values_of(project(flow)),
            (std::vector<float>{-0.75F, 0.5F, -0.75F, 0.5F, 1.5F, 0.5F, 1.5F, 0.5F,  //
                                -0.75F, 0.5F, -0.75F, 0.5F, 1.5F, 0.5F, 1.5F, 0.5F}));
}

TEST(ForwardProject, TheBorderIsOutside) {
  constexpr float kTiny = 0x1p-20F;
  // One row of height 1, so y must land within (0, 1).
  const auto lands = [](float x, float y) {
    Tensor flow({1, 1, 1, 2});
    flow.values()[0] = x;
    flow.values()[1] = y;
    return project(flow).values()[0] == x;
  };
  EXPECT_TRUE(lands(kTiny, kTiny));
  EXPECT_TRUE(lands(1 - kTiny, 1 - kTiny));
  EXPECT_FALSE(lands(1, 0.5F));
  EXPECT_FALSE(lands(-kTiny, 0.5F));
  EXPECT_FALSE(lands(0.5F, 0));
  EXPECT_FALSE(lands(0.5F, 1));
}

TEST(ForwardProject, WhereNothingLandsItIsZero) {
  for (const float away : {1000.0F, -1000.0F, 3e38F, std::numeric_limits<float>::infinity(),
                           -std::numeric_limits<float>::infinity(), std::nanf("")}) {
    const Tensor flow = field({1, 5, 6, 2}, [&] { return away; });
    EXPECT_EQ(values_of(project(flow)), std::vector<float>(60, 0)) << away;
  }
  Tensor nothing({1, 0, 3, 2});
  forward_project(nothing.view(), nothing.view());
}

TEST(ForwardProject, WhatIsNotFiniteIsDropped) {
  Random random(4);
  const Tensor flow = field({1, 12, 15, 2}, [&] {
    const std::int64_t kind = random.integer(0, 9);
    if (kind == 0) return std::nanf("");
    if (kind == 1) return std::numeric_limits<float>::infinity();
    return random.uniform(-3.0F, 3.0F);
  });
  const std::vector<float> projected = values_of(project(flow));
  EXPECT_EQ(projected, values_of(by_definition(flow)));
  EXPECT_TRUE(std::ranges::all_of(projected, [](float v) { return std::isfinite(v); }));
}

// Label: bits
TEST(ForwardProject, SlicesGiveTheSameBits) {
  Random random(5);
  const Tensor flow = random.tensor({1, 19, 23, 2}, -4, 4);
  test::Sliced from(flow.shape(), &flow);
  test::Sliced to(flow.shape());
  forward_project(from.view(), to.view());
  EXPECT_EQ(test::checksum(to.view()), test::checksum(project(flow).view()));
  EXPECT_TRUE(to.margins_untouched());
}

TEST(ForwardProject, SaysWhatIsWrong) {
  Tensor flow({1, 2, 3, 2});
  Tensor other({1, 3, 2, 2});
  Tensor wide({1, 2, 3, 3});
  EXPECT_EQ(error_of([&] { forward_project(flow.view(), other.view()); }),
            "forward_project: expected a result of [n 1, h 2, w 3, c 2], got [n 1, h 3, w 2, c 2]");
  EXPECT_EQ(error_of([&] { forward_project(wide.view(), wide.view()); }),
            "forward_project: expected a flow field [n 1, h, w, c 2], got [n 1, h 2, w 3, c 3]");
}

}  // namespace
}  // namespace hewn
