#include "hewn/models/tasks/optical_flow/flow_error.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "tests/support/errors.h"
#include "tests/support/random.h"
#include <gtest/gtest.h>

namespace hewn {
namespace {

using test::error_of;

Tensor row_of_vectors(const std::vector<float>& values, std::int64_t channels = 2) {
  Tensor flow({1, 1, static_cast<std::int64_t>(values.size()) / channels, channels});
  std::ranges::copy(values, flow.values().begin());
  return flow;
}

TEST(FlowError, ByHand) {
  // Errors 0, 1, 5, 13, 3, and lengths 0, 1, 100, 1000, 0 of the truth.
  const Tensor flow = row_of_vectors({0, 0, 1, 1, 103, 4, 605, 812, 3, 0});
  const Tensor truth = row_of_vectors({0, 0, 1, 0, 100, 0, 600, 800, 0, 0});
  const FlowError error = flow_error(flow.view(), truth.view());
  EXPECT_EQ(error.pixels, 5);
  EXPECT_EQ(error.epe, 22.0 / 5);
  EXPECT_EQ(error.over_1px, 60);  // an error of exactly 1 is not above it
  EXPECT_EQ(error.over_3px, 40);
  EXPECT_EQ(error.over_5px, 20);
  EXPECT_EQ(error.f1_all, 0);  // 5 is 5 % of 100, and 13 less than that of 1000
}

TEST(FlowError, F1WantsBothLimitsPassed) {
  // Above 3 px and 5 %; above 3 px alone; above 5 % alone; the former again, with no motion.
  const Tensor flow = row_of_vectors({14, 0, 0, 104, 12, 0, 0, 3.5F});
  const Tensor truth = row_of_vectors({10, 0, 0, 100, 10, 0, 0, 0});
  const FlowError error = flow_error(flow.view(), truth.view());
  EXPECT_EQ(error.f1_all, 50);
  EXPECT_EQ(error.over_3px, 75);
  EXPECT_EQ(error.over_5px, 0);
}

TEST(FlowError, OnlyKnownAndValidPixelsCount) {
  const Tensor flow = row_of_vectors({7, 0, 9, 9, 2, 0, std::nanf(""), 5});
  const Tensor truth = row_of_vectors({5, 0, 1e10F, 0, 2, 0, 0, std::nanf("")});
  const FlowError known = flow_error(flow.view(), truth.view());
  EXPECT_EQ(known.pixels, 2);
  EXPECT_EQ(known.epe, 1);
  const Tensor valid = row_of_vectors({1, 1, 0, 1}, 1);
  const FlowError masked = flow_error(flow.view(), truth.view(), valid.view());
  EXPECT_EQ(masked.pixels, 1);
  EXPECT_EQ(masked.epe, 2);
  EXPECT_EQ(masked.over_1px, 100);
}

TEST(FlowError, SumsInDouble) {
  // In float, a million times 0.1 adds up to 1 % too much.
  constexpr std::int64_t kSide = 1000;
  Tensor flow({1, kSide, kSide, 2});
  Tensor truth({1, kSide, kSide, 2});
  fill(flow.view(), 0);
  fill(truth.view(), 0);
  fill(flow.view().channels(0, 1), 0.1F);
  // A million roundings of a sum up to 10⁵, each at most half an ulp of it.
  EXPECT_NEAR(flow_error(flow.view(), truth.view()).epe, 0.1F, 1e5 * 0x1p-53);
}

TEST(FlowError, SlicesGiveTheSame) {
  test::Random random(1);
  const Tensor flow = random.tensor({1, 9, 11, 2}, -8, 8);
  const Tensor truth = random.tensor({1, 9, 11, 2}, -8, 8);
  const Tensor valid = random.tensor({1, 9, 11, 1});
  test::Sliced sliced_flow(flow.shape(), &flow);
  test::Sliced sliced_truth(truth.shape(), &truth);
  test::Sliced sliced_valid(valid.shape(), &valid);
  const FlowError dense = flow_error(flow.view(), truth.view(), valid.view());
  const FlowError sliced = flow_error(sliced_flow.view(), sliced_truth.view(), sliced_valid.view());
  EXPECT_EQ(sliced.epe, dense.epe);
  EXPECT_EQ(sliced.f1_all, dense.f1_all);
  EXPECT_EQ(sliced.pixels, std::ranges::count_if(valid.values(), [](float v) { return v > 0; }));
}

TEST(FlowError, SaysWhatIsWrong) {
  const Tensor flow = row_of_vectors({1, 2, 3, 4});
  const Tensor longer = row_of_vectors({1, 2, 3, 4, 5, 6});
  EXPECT_EQ(error_of([&] { flow_error(longer.view(), flow.view()); }),
            "flow_error: expected a flow field as large as the truth, [n 1, h 1, w 2, c 2], got "
            "[n 1, h 1, w 3, c 2]");
  const Tensor pictures = row_of_vectors({1, 2, 3}, 3);
  EXPECT_EQ(error_of([&] { flow_error(pictures.view(), pictures.view()); }),
            "flow_error: expected a flow field [n 1, h, w, c 2], got [n 1, h 1, w 1, c 3]");
  EXPECT_EQ(error_of([&] { flow_error(flow.view(), flow.view(), longer.view()); }),
            "flow_error: expected a mask of [n 1, h 1, w 2, c 1], got [n 1, h 1, w 3, c 2]");
  const Tensor none = row_of_vectors({0, 0}, 1);
  EXPECT_EQ(error_of([&] { flow_error(flow.view(), flow.view(), none.view()); }),
            "flow_error: expected a pixel where the truth is known, got none of 2");
  const Tensor broken = row_of_vectors({1, 2, 3, std::nanf("")});
  EXPECT_EQ(error_of([&] { flow_error(broken.view(), flow.view()); }),
            "flow_error: expected finite flow where the truth is known, got (3, nan) at x 1, y 0");
}

}  // namespace
}  // namespace hewn
