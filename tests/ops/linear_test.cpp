#include "hewn/ops/linear/linear.h"

#include "hewn/ops/activation/activation_reference.h"

#include <cmath>
#include <vector>

#include "tests/ops/every_way.h"
#include <gtest/gtest.h>

namespace hewn {
namespace {

void check(const Nhwc& x_shape, std::int64_t out, bool has_bias, const Activation& activation,
           std::uint64_t seed) {
  SCOPED_TRACE(concat("x ", x_shape, " out ", out, has_bias ? " bias" : ""));
  test::Random random(seed);
  const std::int64_t in = x_shape.c;
  const Tensor x = random.tensor(x_shape);
  const auto weight = random.values(out * in);
  const auto bias = has_bias ? random.values(out) : std::vector<float>{};
  const PackedLinear layer("test", {.shape = {out, in}, .weight = weight, .bias = bias},
                           activation);

  std::vector<double> expected;
  std::vector<double> bound;
  for (std::int64_t row = 0; row < x_shape.pixels(); ++row) {
    for (std::int64_t o = 0; o < out; ++o) {
      double sum = has_bias ? static_cast<double>(bias[static_cast<std::size_t>(o)]) : 0;
      double magnitude = std::abs(sum);
      for (std::int64_t k = 0; k < in; ++k) {
        const double term =
            static_cast<double>(x.values()[static_cast<std::size_t>(row * in + k)]) *
            static_cast<double>(weight[static_cast<std::size_t>(o * in + k)]);
        sum += term;
        magnitude += std::abs(term);
      }
      const double y = activate_reference(activation, sum);
      expected.push_back(y);
      // A chain of n fused multiply-adds is off by at most n·u·Σ|terms| (Higham, 2002, section
      // 3.1), one more with SSE4.2; no activation here is steeper than 1, or off by more than 6u.
      bound.push_back((static_cast<double>(in + 1) * magnitude + 6 * std::abs(y)) *
                      test::kUnitRoundoff);
    }
  }
  test::check_every_way(
      x, {x_shape.n, x_shape.h, x_shape.w, out}, expected, bound, test::InPlace::forbidden,
      [&](ConstView from, View to, Context& ctx) { linear(from, layer, to, ctx); });
}

TEST(Linear, AgreesWithTheReference) {
  std::uint64_t seed = 1;
  for (std::int64_t rows : {1, 7, 13}) {
    for (std::int64_t in : {1, 16, 33}) {
      for (std::int64_t out : {1, 15, 32, 65}) {
        check({1, 1, rows, in}, out, true, Activation::relu(), seed++);
        check({1, 1, rows, in}, out, false, {.kind = Activation::Kind::tanh}, seed++);
      }
    }
  }
  check({2, 3, 4, 20}, 10, true, {}, seed);
}

TEST(Linear, TakesEmptyMatrices) {
  check({1, 1, 4, 0}, 17, true, Activation::relu(), 1);  // gives the activation of the bias
  check({1, 1, 4, 0}, 17, false, {.kind = Activation::Kind::sigmoid}, 2);
  check({1, 1, 0, 5}, 17, true, {}, 3);
  check({1, 1, 4, 5}, 0, false, {}, 4);
}

TEST(Linear, NamesWhatIsWrong) {
  const std::vector<float> values(6);
  const auto pack = [&](const Shape& shape, std::size_t weights, std::size_t biases) {
    return test::message_of([&] {
      const std::span<const float> all(values);
      PackedLinear("fc1",
                   {.shape = shape, .weight = all.first(weights), .bias = all.first(biases)});
    });
  };
  EXPECT_EQ(pack({2, 3}, 5, 0), "linear fc1: weight: expected 6 values, got 5");
  EXPECT_EQ(pack({2, 3}, 6, 3), "linear fc1: bias: expected 2 values, got 3");
  EXPECT_EQ(pack({6}, 6, 0), "linear fc1: weight: expected rank 2 (out, in), got shape 6");

  const PackedLinear layer("fc1", {.shape = {2, 3}, .weight = values, .bias = {}});
  Context ctx({.threads = 1});
  const Tensor x({1, 1, 4, 3});
  const Tensor narrow({1, 1, 4, 2});
  Tensor y({1, 1, 4, 3});
  EXPECT_EQ(test::message_of([&] { linear(narrow.view(), layer, y.view(), ctx); }),
            concat("linear fc1: expected 3 inputs, got ", narrow.shape()));
  EXPECT_EQ(test::message_of([&] { linear(x.view(), layer, y.view(), ctx); }),
            concat("linear fc1: expected an output of ", narrow.shape(), ", got ", y.shape()));
}

}  // namespace
}  // namespace hewn
