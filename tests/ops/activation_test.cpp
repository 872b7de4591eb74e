#include "hewn/ops/activation/activation.h"

#include "hewn/ops/activation/activation_reference.h"

#include <cmath>
#include <limits>
#include <vector>

#include "tests/ops/every_way.h"
#include "tests/support/errors.h"
#include <gtest/gtest.h>

namespace hewn {
namespace {

using Kind = Activation::Kind;
constexpr Kind kKinds[] = {Kind::none, Kind::relu, Kind::leaky_relu, Kind::sigmoid,
                           Kind::tanh, Kind::gelu, Kind::quick_gelu};

/// In units of roundoff times |x|, or for the bounded functions times the result. sigmoid and tanh
/// are within 2.6 ulp, each ulp up to 2u of the result: 6 (elementary_functions_test.cpp). gelu's
/// parts are the rounding of x/√2, of erf (1.5 ulp), of 1 + erf and of the product, times x:
/// below 8. quick_gelu rounds 1.702·x by u, and sigmoid's slope turns that into
/// u·|1.702 x|·(1 − sigmoid), to which come sigmoid's own 6u and a product.
double error_bound(const Activation& activation, double x) {
  const double y = activate_reference(activation, x);
  switch (activation.kind) {
    case Kind::none:
    case Kind::relu:
      return 0;
    case Kind::leaky_relu:
      return std::abs(y) * test::kUnitRoundoff;
    case Kind::sigmoid:
    case Kind::tanh:
      return 6 * std::abs(y) * test::kUnitRoundoff;
    case Kind::gelu:
      return 8 * std::abs(x) * test::kUnitRoundoff;
    case Kind::quick_gelu:
      return (8 + 2 * std::abs(x)) * std::abs(y) * test::kUnitRoundoff;
  }
  return 0;
}

void check(const Activation& activation, const Tensor& x) {
  SCOPED_TRACE(text_of("kind ", static_cast<int>(activation.kind), " x ", x.shape()));
  std::vector<double> expected;
  std::vector<double> bound;
  for (float value : x.values()) {
    expected.push_back(activate_reference(activation, value));
    // Denormal results have an absolute error.
    bound.push_back(error_bound(activation, value) + 0x1p-149);
  }
  test::check_every_way(
      x, x.shape(), expected, bound, test::InPlace::allowed,
      [&](ConstView from, View to, Context& ctx) { activate(from, activation, to, ctx); });
}

TEST(Activation, AgreesWithTheReference) {
  test::Random random(1);
  for (Kind kind : kKinds) {
    for (std::int64_t channels : test::kEdgeSizes) {
      check({.kind = kind, .negative_slope = 0.2F}, random.tensor({1, 2, 3, channels}, -8, 8));
    }
    // Large enough for every thread to get a share.
    check({.kind = kind}, random.tensor({1, 30, 40, 65}, -20, 20));
  }
}

TEST(Activation, TreatsNanAndInfinityAsPyTorch) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  struct {
    Kind kind;
    float of_infinity, of_minus_infinity;
  } const cases[] = {
      {Kind::none, kInfinity, -kInfinity},
      {Kind::relu, kInfinity, 0},
      {Kind::leaky_relu, kInfinity, -kInfinity},
      {Kind::sigmoid, 1, 0},
      {Kind::tanh, 1, -1},
      {Kind::gelu, kInfinity, kNan},        // −∞ × 0, in PyTorch too
      {Kind::quick_gelu, kInfinity, kNan},  // likewise
  };
  for (const auto& c : cases) {
    for (Isa isa : test::usable_isas()) {
      Context ctx({.threads = 1, .isa = isa});
      Tensor x({1, 1, 1, 3});
      x.values()[0] = kInfinity;
      x.values()[1] = -kInfinity;
      x.values()[2] = kNan;
      activate(x.view(), {.kind = c.kind}, x.view(), ctx);
      const std::vector<double> expected = {c.of_infinity, c.of_minus_infinity, kNan};
      EXPECT_TRUE(test::all_within(x.view(), expected, std::vector<double>(3, 0)))
          << "kind " << static_cast<int>(c.kind) << " on " << isa_name(isa);
    }
  }
}

TEST(Activation, NamesWhatIsWrong) {
  Context ctx({.threads = 1});
  const Tensor x({1, 2, 2, 3});
  Tensor y({1, 2, 2, 4});
  EXPECT_EQ(test::error_of([&] { activate(x.view(), Activation::relu(), y.view(), ctx); }),
            text_of("activate: expected an output of ", x.shape(), ", got ", y.shape()));
}

}  // namespace
}  // namespace hewn
