#include "hewn/ops/softmax/softmax.h"

#include "hewn/ops/softmax/softmax_reference.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "tests/ops/every_way.h"
#include "tests/support/errors.h"
#include <gtest/gtest.h>

namespace hewn {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

/// Rounding x − max moves the power by u·|x − max| of itself, exp adds 1.1 ulp (3u), a sum of n
/// positive terms 16 at a time and then by a tree of 4 levels is off by (n/16 + 5)·u beside the
/// errors of its terms, which are at most the largest of those just named, and the division rounds
/// once more. Powers below the normal range have an absolute error of one denormal.
std::vector<double> error_bound(const Tensor& x, const std::vector<double>& expected) {
  const std::int64_t channels = x.shape().c;
  std::vector<double> bound;
  for (std::int64_t p = 0; channels > 0 && p < x.shape().pixels(); ++p) {
    const float* row = x.view().data + p * channels;
    const auto [low, high] = std::minmax_element(row, row + channels);
    const double range = std::min(static_cast<double>(*high) - static_cast<double>(*low), 104.0);
    const double roundings = 2 * (range + 3) + static_cast<double>(channels) / 16 + 5 + 1;
    for (std::int64_t c = 0; c < channels; ++c) {
      const double y = expected[static_cast<std::size_t>(p * channels + c)];
      bound.push_back(roundings * test::kUnitRoundoff * y + 0x1p-148);
    }
  }
  return bound;
}

void check(const Tensor& x) {
  SCOPED_TRACE(text_of("x ", x.shape()));
  const auto expected = softmax_reference(x.view());
  test::check_every_way(x, x.shape(), expected, error_bound(x, expected), test::InPlace::allowed,
                        [](ConstView from, View to, Context& ctx) { softmax(from, to, ctx); });
}

TEST(Softmax, AgreesWithTheReference) {
  test::Random random(1);
  for (std::int64_t channels : test::kEdgeSizes) {
    check(random.tensor({2, 1, 3, channels}, -5, 5));
    check(random.tensor({1, 1, 2, channels}, -200, 200));
  }
  check(random.tensor({1, 1, 3, 1000}, -1, 1));
  check(random.tensor({0, 4, 4, 65}));
  check(random.tensor({1, 20, 30, 65}, -10, 10));
}

TEST(Softmax, TreatsNanAndInfinityAsPyTorch) {
  struct {
    float x[3];
    double y[3];
  } const cases[] = {
      {{kInfinity, 1, 2}, {kNan, kNan, kNan}},
      {{-kInfinity, -kInfinity, -kInfinity}, {kNan, kNan, kNan}},
      {{kNan, 1, 2}, {kNan, kNan, kNan}},
      {{1, 2, kNan}, {kNan, kNan, kNan}},
      {{-kInfinity, 3, 3}, {0, 0.5, 0.5}},
      {{-kInfinity, -kInfinity, 3}, {0, 0, 1}},
      {{3e38F, -3e38F, 3e38F}, {0.5, 0, 0.5}},
  };
  for (const auto& c : cases) {
    // The last case's values stand in whole vectors and in the rest of one.
    for (std::int64_t repeat : {1, 7}) {
      Tensor x({1, 1, 1, 3 * repeat});
      std::vector<double> expected;
      for (std::int64_t i = 0; i < 3 * repeat; ++i) {
        x.values()[static_cast<std::size_t>(i)] = c.x[i % 3];
        expected.push_back(c.y[i % 3] / static_cast<double>(repeat));
      }
      const std::vector<double> bound(expected.size(), 4 * test::kUnitRoundoff);
      for (Isa isa : test::usable_isas()) {
        Context ctx({.threads = 1, .isa = isa});
        Tensor y(x.shape());
        softmax(x.view(), y.view(), ctx);
        EXPECT_TRUE(test::all_within(y.view(), expected, bound))
            << isa_name(isa) << ": " << c.x[0] << ", " << c.x[1] << ", " << c.x[2];
      }
    }
  }
}

TEST(Softmax, NamesWhatIsWrong) {
  Context ctx({.threads = 1});
  const Tensor x({1, 2, 2, 3});
  Tensor y({1, 2, 2, 4});
  EXPECT_EQ(test::error_of([&] { softmax(x.view(), y.view(), ctx); }),
            text_of("softmax: expected an output of ", x.shape(), ", got ", y.shape()));
}

}  // namespace
}  // namespace hewn
