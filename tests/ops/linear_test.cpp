#include "hewn/ops/linear/linear.h"

#include "hewn/ops/activation/activation_reference.h"
#include "hewn/runtime/dtype.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <vector>

#include "tests/ops/every_way.h"
#include "tests/support/errors.h"
#include <gtest/gtest.h>

namespace hewn {
namespace {

/// What is added before and after the activation.
struct Added {
  bool before = false;
  bool after = false;
};

void check(const Nhwc& x_shape, std::int64_t out, bool has_bias, const Activation& activation,
           std::uint64_t seed, const Added& added = {}) {
  SCOPED_TRACE(text_of("x ", x_shape, " out ", out, has_bias ? " bias" : "",
                       added.before ? " before" : "", added.after ? " after" : ""));
  test::Random random(seed);
  const std::int64_t in = x_shape.c;
  const Tensor x = random.tensor(x_shape);
  const auto weight = random.values(out * in);
  const auto bias = has_bias ? random.values(out) : std::vector<float>{};
  const PackedLinear layer("test", {.shape = {out, in}, .weight = weight, .bias = bias},
                           activation);

  const Nhwc y_shape{x_shape.n, x_shape.h, x_shape.w, out};
  const Tensor before = random.tensor(y_shape);
  const Tensor after = random.tensor(y_shape);
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
      const std::size_t at = expected.size();
      if (added.before) {
        sum += static_cast<double>(before.values()[at]);
        magnitude += std::abs(static_cast<double>(before.values()[at]));
      }
      const double activated = activate_reference(activation, sum);
      const double y = activated + (added.after ? static_cast<double>(after.values()[at]) : 0);
      magnitude += std::abs(y - activated);
      expected.push_back(y);
      // A chain of n fused multiply-adds is off by at most n·u·Σ|terms| (Higham, 2002, section
      // 3.1), one more with SSE4.2; no activation here is steeper than 1.13, or off by more than
      // 6u.
      bound.push_back((1.13 * static_cast<double>(in + 3) * magnitude + 6 * std::abs(activated)) *
                      test::kUnitRoundoff);
    }
  }
  test::check_every_way(x, y_shape, expected, bound, test::InPlace::forbidden,
                        [&](ConstView from, View to, Context& ctx) {
                          Addends addends;
                          if (added.before) addends.before = before.view();
                          if (added.after) addends.after = after.view();
                          linear(from, addends, layer, to, ctx);
                        });
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

TEST(Linear, AddsBeforeAndAfterTheActivation) {
  const Activation gelu{.kind = Activation::Kind::gelu};
  std::uint64_t seed = 1;
  for (std::int64_t in : {0, 33, 1100}) {  // the last is two blocks of depth
    for (const Activation& activation : {Activation{}, gelu}) {
      for (bool before : {false, true}) {
        check({1, 1, 14, in}, 35, true, activation, seed++, {before, false});
        check({1, 1, 14, in}, 35, true, activation, seed++, {before, true});
      }
    }
  }
  check({1, 2, 3, 3072}, 40, false, {}, seed, {true, true});
}

/// A residual block adds what it makes of x to x itself.
TEST(Linear, AddsToItsOutputInPlace) {
  test::Random random(1);
  constexpr std::int64_t kIn = 2100;  // three blocks of depth
  constexpr std::int64_t kOut = 40;
  const auto weight = random.values(kIn * kOut);
  const PackedLinear layer("test", {.shape = {kOut, kIn}, .weight = weight, .bias = {}});
  const Tensor x = random.tensor({1, 1, 30, kIn});
  const Tensor residual = random.tensor({1, 1, 30, kOut});
  Context ctx({.threads = 2});
  Tensor expected(residual.shape());
  linear(x.view(), {.after = residual.view()}, layer, expected.view(), ctx);
  Tensor y = Tensor::copy_of(residual.view());
  linear(x.view(), {.after = y.view()}, layer, y.view(), ctx);
  EXPECT_EQ(test::checksum(y.view()), test::checksum(expected.view()));
}

TEST(Linear, KeepsTheBitsOfHalvesThatAreWidened) {
  test::Random random(1);
  for (const auto& [rows, in, out] : {std::array{1, 5, 3}, {25, 33, 47}, {13, 1300, 70}}) {
    std::vector<std::uint16_t> halves;
    std::vector<float> weight;
    for (const float value : random.values(in * out)) {
      halves.push_back(float_to_half(value));
      weight.push_back(half_to_float(halves.back()));
    }
    halves[0] = 1;  // the smallest there is
    weight[0] = half_to_float(1);
    const auto bias = random.values(out);
    const Shape shape{out, in};
    const PackedLinear wide("test", {.shape = shape, .weight = weight, .bias = bias});
    const PackedLinear half("test", {.shape = shape, .weight = {}, .bias = bias, .halves = halves});
    const Tensor x = random.tensor({1, 1, rows, in});
    for (Isa isa : test::usable_isas()) {
      for (int threads : {1, 3}) {
        Context ctx({.threads = threads, .isa = isa});
        Tensor expected({1, 1, rows, out});
        Tensor y({1, 1, rows, out});
        linear(x.view(), wide, expected.view(), ctx);
        linear(x.view(), half, y.view(), ctx);
        EXPECT_EQ(test::checksum(y.view()), test::checksum(expected.view())) << isa_name(isa);
      }
    }
  }
}

TEST(Linear, KeepsItsBitsWhateverTheSizeOfL2) {
  test::Random random(1);
  const auto weight = random.values(1500 * 33);
  const PackedLinear layer("test", {.shape = {33, 1500}, .weight = weight, .bias = {}});
  const Tensor x = random.tensor({1, 1, 100, 1500});
  std::optional<std::uint64_t> bits;
  for (std::int64_t l2_bytes : {1, 200'000, 1 << 20, 1 << 24}) {
    Context ctx({.threads = 1, .l2_bytes = l2_bytes});
    Tensor y({1, 1, 100, 33});
    linear(x.view(), layer, y.view(), ctx);
    const std::uint64_t sum = test::checksum(y.view());
    EXPECT_EQ(sum, bits.value_or(sum)) << l2_bytes;
    bits = sum;
  }
}

std::vector<Bf16Isa> usable_bf16() {
  std::vector<Bf16Isa> usable;
  for (const Bf16Info& info : bf16_table()) {
    if (info.supported) usable.push_back(info.isa);
  }
  return usable;
}

std::vector<float> rounded_to_bf16(std::span<const float> values) {
  std::vector<float> rounded;
  for (const float value : values) {
    rounded.push_back(bfloat16_to_float(float_to_bfloat16(value)));
  }
  return rounded;
}

/// Products of bfloat16 numbers are exact, so a result is as far from the layer of rounded numbers
/// as sums in float32 are in any order: n·u·Σ|terms|.
TEST(Linear, MultipliesBfloat16WhereTheMachineDoes) {
  if (usable_bf16().empty()) GTEST_SKIP() << "this machine does not multiply bfloat16";
  test::Random random(1);
  for (const auto& [rows, in, out] : {std::array{1, 1, 1},
                                      {15, 31, 16},
                                      {16, 32, 32},
                                      {17, 33, 33},
                                      {32, 64, 48},
                                      {33, 100, 40},
                                      {70, 96, 17},
                                      {530, 40, 33}}) {
    SCOPED_TRACE(text_of(rows, " rows, ", in, " in, ", out, " out"));
    const Tensor x = random.tensor({1, 1, rows, in});
    const auto weight = random.values(in * out);
    const auto bias = random.values(out);
    const Tensor before = random.tensor({1, 1, rows, out});
    const Tensor after = random.tensor({1, 1, rows, out});
    const auto rounded_x = rounded_to_bf16(x.values());
    const auto rounded_weight = rounded_to_bf16(weight);
    std::vector<double> expected;
    std::vector<double> bound;
    for (std::int64_t row = 0; row < rows; ++row) {
      for (std::int64_t o = 0; o < out; ++o) {
        const std::size_t at = expected.size();
        double sum = static_cast<double>(bias[static_cast<std::size_t>(o)]) +
                     static_cast<double>(before.values()[at]);
        double magnitude = 2;  // of bias and addend, each at most 1
        for (std::int64_t k = 0; k < in; ++k) {
          const double term =
              static_cast<double>(rounded_x[static_cast<std::size_t>(row * in + k)]) *
              static_cast<double>(rounded_weight[static_cast<std::size_t>(o * in + k)]);
          sum += term;
          magnitude += std::abs(term);
        }
        const double activated = std::max(sum, 0.0);
        expected.push_back(activated + static_cast<double>(after.values()[at]));
        bound.push_back((static_cast<double>(in + 4) * magnitude + 1) * test::kUnitRoundoff);
      }
    }
    const PackedLinear layer("test", {.shape = {out, in}, .weight = weight, .bias = bias},
                             Activation::relu(), LinearPrecision::bfloat16);
    for (const Bf16Isa isa : usable_bf16()) {
      std::optional<std::uint64_t> bits;
      for (const int threads : {1, 3}) {
        SCOPED_TRACE(text_of(bf16_name(isa), " threads ", threads));
        Context ctx({.threads = threads, .bf16 = isa});
        test::Sliced y({1, 1, rows, out});
        linear(x.view(), {before.view(), after.view()}, layer, y.view(), ctx);
        EXPECT_TRUE(test::all_within(y.view(), expected, bound));
        EXPECT_TRUE(y.margins_untouched());
        const std::uint64_t sum = test::checksum(y.view());
        EXPECT_EQ(sum, bits.value_or(sum)) << "bits depend on threads";
        bits = sum;
      }
    }
  }
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
    return test::error_of([&] {
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
  EXPECT_EQ(test::error_of([&] { linear(narrow.view(), layer, y.view(), ctx); }),
            text_of("linear fc1: expected 3 inputs, got ", narrow.shape()));
  EXPECT_EQ(test::error_of([&] { linear(x.view(), layer, y.view(), ctx); }),
            text_of("linear fc1: expected an output of ", narrow.shape(), ", got ", y.shape()));
}

}  // namespace
}  // namespace hewn
