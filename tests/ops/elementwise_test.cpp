#include "hewn/ops/elementwise/elementwise.h"

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

constexpr UnaryOp kUnaryOps[] = {UnaryOp::abs, UnaryOp::exp, UnaryOp::sqrt, UnaryOp::erf};
constexpr BinaryOp kBinaryOps[] = {BinaryOp::add,    BinaryOp::subtract, BinaryOp::multiply,
                                   BinaryOp::divide, BinaryOp::maximum,  BinaryOp::minimum};

double exact(UnaryOp op, float x) {
  const double v = x;
  switch (op) {
    case UnaryOp::abs:
      return std::abs(v);
    case UnaryOp::exp:
      return std::exp(v);
    case UnaryOp::sqrt:
      return std::sqrt(v);
    case UnaryOp::erf:
      return std::erf(v);
  }
  return 0;
}

/// In float: every operation but exp and erf is rounded once, and so is this.
float exact(BinaryOp op, float a, float b) {
  const bool any_nan = std::isnan(a) || std::isnan(b);
  switch (op) {
    case BinaryOp::add:
      return a + b;
    case BinaryOp::subtract:
      return a - b;
    case BinaryOp::multiply:
      return a * b;
    case BinaryOp::divide:
      return a / b;
    case BinaryOp::maximum:
      return any_nan ? kNan : std::max(a, b);
    case BinaryOp::minimum:
      return any_nan ? kNan : std::min(a, b);
  }
  return 0;
}

/// exp is within 1.1 ulp and erf within 1.5 (elementary_functions_test.cpp), an ulp being up to 2u
/// of the result; a square root is rounded once.
double roundings(UnaryOp op) {
  switch (op) {
    case UnaryOp::abs:
      return 0;
    case UnaryOp::sqrt:
      return 1;
    default:
      return 3;
  }
}

void check(UnaryOp op, const Tensor& x) {
  SCOPED_TRACE(text_of(name_of(op), " x ", x.shape()));
  std::vector<double> expected;
  std::vector<double> bound;
  for (float value : x.values()) {
    expected.push_back(exact(op, value));
    bound.push_back(roundings(op) * expected.back() * test::kUnitRoundoff);
    bound.back() = std::abs(bound.back());
  }
  test::check_every_way(x, x.shape(), expected, bound, test::InPlace::allowed,
                        [&](ConstView from, View to, Context& ctx) { unary(from, op, to, ctx); });
}

/// b has the shape of a, or one value for each channel.
void check(BinaryOp op, const Tensor& a, const Tensor& b) {
  SCOPED_TRACE(text_of(name_of(op), " a ", a.shape(), " b ", b.shape()));
  std::vector<double> expected;
  for (std::size_t i = 0; i < a.values().size(); ++i) {
    expected.push_back(exact(op, a.values()[i], b.values()[i % b.values().size()]));
  }
  const std::vector<double> bound(expected.size(), 0);
  test::check_every_way(
      a, a.shape(), expected, bound, test::InPlace::allowed,
      [&](ConstView from, View to, Context& ctx) { binary(from, b.view(), op, to, ctx); });
  test::Sliced sliced_b(b.shape(), &b);
  test::check_every_way(
      a, a.shape(), expected, bound, test::InPlace::allowed,
      [&](ConstView from, View to, Context& ctx) { binary(from, sliced_b.view(), op, to, ctx); });
}

TEST(Elementwise, UnaryAgreesWithTheReference) {
  test::Random random(1);
  for (UnaryOp op : kUnaryOps) {
    const float low = op == UnaryOp::sqrt ? 0 : -8;
    for (std::int64_t channels : test::kEdgeSizes) {
      check(op, random.tensor({2, 1, 3, channels}, low, 8));
    }
    check(op, random.tensor({1, 30, 40, 65}, low, 8));
  }
}

TEST(Elementwise, BinaryRoundsOnce) {
  test::Random random(2);
  for (BinaryOp op : kBinaryOps) {
    for (std::int64_t channels : test::kEdgeSizes) {
      const Tensor a = random.tensor({2, 3, 1, channels});
      check(op, a, random.tensor(a.shape()));
      check(op, a, random.tensor({1, 1, 1, channels}));
    }
    const Tensor a = random.tensor({1, 30, 40, 65});
    check(op, a, random.tensor(a.shape()));
    check(op, a, random.tensor({1, 1, 1, 65}));
  }
}

TEST(Elementwise, BinaryTakesTheOutputAsSecondOperand) {
  test::Random random(3);
  const Tensor a = random.tensor({1, 3, 5, 17});
  const Tensor b = random.tensor(a.shape());
  Context ctx({.threads = 1});
  Tensor apart(a.shape());
  binary(a.view(), b.view(), BinaryOp::subtract, apart.view(), ctx);
  Tensor y = Tensor::copy_of(b.view());
  binary(a.view(), y.view(), BinaryOp::subtract, y.view(), ctx);
  EXPECT_EQ(test::checksum(y.view()), test::checksum(apart.view()));
}

TEST(Elementwise, TreatsNanInfinityAndZeroAsPyTorch) {
  const float values[] = {0, -0.0F, 1, -1, kInfinity, -kInfinity, kNan};
  for (Isa isa : test::usable_isas()) {
    Context ctx({.threads = 1, .isa = isa});
    for (float u : values) {
      Tensor a({1, 1, 1, 1});
      Tensor b({1, 1, 1, 1});
      Tensor y({1, 1, 1, 1});
      a.values()[0] = u;
      for (UnaryOp op : kUnaryOps) {
        unary(a.view(), op, y.view(), ctx);
        const double expected[] = {exact(op, u)};
        const double bound[] = {3 * test::kUnitRoundoff * std::abs(expected[0])};
        EXPECT_TRUE(test::all_within(y.view(), expected, bound)) << name_of(op) << " of " << u;
      }
      for (float v : values) {
        b.values()[0] = v;
        for (BinaryOp op : kBinaryOps) {
          binary(a.view(), b.view(), op, y.view(), ctx);
          const double expected[] = {exact(op, u, v)};
          const double bound[] = {0};
          EXPECT_TRUE(test::all_within(y.view(), expected, bound))
              << name_of(op) << " of " << u << " and " << v;
        }
      }
    }
  }
}

TEST(Elementwise, NamesWhatIsWrong) {
  Context ctx({.threads = 1});
  const Tensor a({1, 2, 2, 3});
  const Tensor b({1, 1, 1, 2});
  Tensor y({1, 2, 2, 3});
  Tensor narrow({1, 2, 2, 2});
  EXPECT_EQ(test::error_of([&] { unary(a.view(), UnaryOp::exp, narrow.view(), ctx); }),
            text_of("exp: expected an output of ", a.shape(), ", got ", narrow.shape()));
  EXPECT_EQ(test::error_of([&] { binary(a.view(), b.view(), BinaryOp::add, y.view(), ctx); }),
            text_of("add: expected a second operand of ", a.shape(), " or ", Nhwc{1, 1, 1, 3},
                    ", got ", b.shape()));
  EXPECT_EQ(test::error_of([&] { binary(a.view(), a.view(), BinaryOp::add, narrow.view(), ctx); }),
            text_of("add: expected an output of ", a.shape(), ", got ", narrow.shape()));
}

}  // namespace
}  // namespace hewn
