#include "hewn/ops/normalize/normalize.h"

#include "hewn/ops/normalize/normalize_reference.h"

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

void check(const Tensor& x, float eps) {
  SCOPED_TRACE(text_of("x ", x.shape(), " eps ", eps));
  const auto expected = l2_normalize_reference(x.view(), eps);
  // A sum of n positive squares in 16 chains and a tree of 4 levels is off by (n/16 + 6)·u (SSE4.2
  // rounds the squares too), of which the root keeps half; root and division round once each.
  const double roundings = (static_cast<double>(x.shape().c) / 16 + 6) / 2 + 2;
  std::vector<double> bound;
  bound.reserve(expected.size());
  for (double y : expected) bound.push_back(roundings * test::kUnitRoundoff * std::abs(y));
  test::check_every_way(
      x, x.shape(), expected, bound, test::InPlace::allowed,
      [&](ConstView from, View to, Context& ctx) { l2_normalize(from, eps, to, ctx); });
}

TEST(L2Normalize, AgreesWithTheReference) {
  test::Random random(1);
  for (std::int64_t channels : test::kEdgeSizes) {
    check(random.tensor({2, 1, 3, channels}), 1e-12F);
    check(random.tensor({1, 3, 1, channels}, -100, 100), 1e-12F);
    check(random.tensor({1, 1, 3, channels}, -1e-3F, 1e-3F), 1.0F);
  }
  check(random.tensor({0, 4, 4, 256}), 1e-12F);
  check(random.tensor({1, 15, 20, 256}), 1e-12F);
}

TEST(L2Normalize, TreatsTheExtremesAsPyTorch) {
  struct {
    float x[2];
    double y[2];
  } const cases[] = {
      {{0, 0}, {0, 0}},
      {{1e-25F, 0}, {1e-25F / 1e-12, 0}},  // shorter than eps, and its square is 0
      {{1e20F, 1e20F}, {0, 0}},            // the sum of the squares overflows
      {{kInfinity, 1}, {kNan, 0}},
      {{kNan, 1}, {kNan, kNan}},
  };
  for (const auto& c : cases) {
    Tensor x({1, 1, 1, 2});
    x.values()[0] = c.x[0];
    x.values()[1] = c.x[1];
    const double bound[] = {1e-13 * 4 * test::kUnitRoundoff, 0};
    for (Isa isa : test::usable_isas()) {
      Context ctx({.threads = 1, .isa = isa});
      Tensor y(x.shape());
      l2_normalize(x.view(), y.view(), ctx);
      EXPECT_TRUE(test::all_within(y.view(), c.y, bound))
          << isa_name(isa) << ": " << c.x[0] << ", " << c.x[1];
    }
  }
}

TEST(L2Normalize, NamesWhatIsWrong) {
  Context ctx({.threads = 1});
  const Tensor x({1, 2, 2, 3});
  Tensor y({1, 2, 2, 3});
  Tensor wide({1, 2, 2, 4});
  EXPECT_EQ(test::error_of([&] { l2_normalize(x.view(), wide.view(), ctx); }),
            text_of("l2_normalize: expected an output of ", x.shape(), ", got ", wide.shape()));
  EXPECT_EQ(test::error_of([&] { l2_normalize(x.view(), -1, y.view(), ctx); }),
            "l2_normalize: eps: expected at least 0, got -1");
}

}  // namespace
}  // namespace hewn
