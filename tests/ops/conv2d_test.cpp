// conv2d() by the direct algorithm, which `precise` pins; winograd_test.cpp has the other.
#include "hewn/ops/conv2d/conv2d.h"

#include "hewn/ops/conv2d/conv2d_reference.h"
#include "hewn/runtime/error.h"

#include <cmath>
#include <optional>
#include <vector>

#include "tests/ops/random_addends.h"
#include "tests/support/compare.h"
#include "tests/support/errors.h"
#include "tests/support/random.h"
#include <gtest/gtest.h>

namespace hewn {
namespace {

using test::Random;

struct Case {
  Nhwc x;
  std::int64_t out;
  std::int64_t kernel_h, kernel_w;
  Conv2dParams params;
  bool bias = true;
  bool scale = false;
  bool addends = false;
};

/// Random weights for a case, owned.
struct Weights {
  Weights(const Case& c, Random& random)
      : shape({c.out, c.x.c / c.params.groups, c.kernel_h, c.kernel_w}),
        weight(random.values(shape.count())),
        bias(c.bias ? random.values(c.out) : std::vector<float>{}),
        scale(c.scale ? random.values(c.out, 0.5, 2) : std::vector<float>{}),
        shift(c.scale ? random.values(c.out) : std::vector<float>{}) {}

  Conv2dWeights spans() const { return {shape, weight, bias, scale, shift}; }

  Shape shape;
  std::vector<float> weight, bias, scale, shift;
};

/// A chain of n fused multiply-adds is off by at most n·u·Σ|terms| (Higham, 2002, section 3.1).
/// Every activation here has a slope of at most 1, its own error is below 4 ulp, and scale, shift
/// and addends round three times more; so the same sum over absolute values, times (n + 9)·u,
/// bounds the error of the whole.
std::vector<double> error_bound(const Case& c, const Tensor& x, const Weights& w, const Nhwc& shape,
                                const test::RandomAddends& addends) {
  Tensor abs_x = Tensor::copy_of(x.view());
  for (float& value : abs_x.values()) value = std::abs(value);
  const auto weight = test::absolute(w.weight);
  const auto bias = test::absolute(w.bias);
  const auto shift = test::absolute(w.shift);
  Conv2dParams linear = c.params;
  linear.activation = {};
  const test::RandomAddends abs_addends = addends.absolute();
  auto bound = conv2d_reference(abs_x.view(), linear, {w.shape, weight, bias, w.scale, shift},
                                shape, abs_addends.views());
  const auto terms = static_cast<double>(w.shape.count() / c.out + 9);
  for (double& value : bound) value = (value + 1) * terms * test::kUnitRoundoff;
  return bound;
}

void check(const Case& c, std::uint64_t seed) {
  SCOPED_TRACE(text_of("x ", c.x, " out ", c.out, " kernel ", c.kernel_h, "×", c.kernel_w,
                       " stride ", c.params.stride_h, ",", c.params.stride_w, " padding ",
                       c.params.padding_h, ",", c.params.padding_w, " dilation ",
                       c.params.dilation_h, ",", c.params.dilation_w, " groups ", c.params.groups,
                       " seed ", seed));
  Random random(seed);
  const Tensor x = random.tensor(c.x);
  const Weights weights(c, random);
  const PackedConv2d conv("test", c.params, weights.spans());
  const Nhwc shape = conv.output_shape(c.x);
  test::RandomAddends addends;
  if (c.addends) addends = {shape, random};
  const auto expected =
      conv2d_reference(x.view(), c.params, weights.spans(), shape, addends.views());
  const auto bound = error_bound(c, x, weights, shape, addends);

  std::optional<std::uint64_t> bits;
  for (Isa isa : test::usable_isas()) {
    for (int threads : {1, 2, 5}) {
      SCOPED_TRACE(text_of("isa ", isa_name(isa), " threads ", threads));
      // Short and long strips: the bits do not depend on L2.
      Context ctx({.threads = threads,
                   .isa = isa,
                   .precise = true,
                   .l2_bytes = threads == 1 ? 1 : 8 << 20});
      test::Sliced sliced_x(c.x, &x);
      test::Sliced sliced_y(shape);
      Tensor y(shape);
      conv2d(x.view(), addends.views(), conv, y.view(), ctx);
      EXPECT_TRUE(test::all_within(y.view(), expected, bound));
      conv2d(sliced_x.view(), addends.views(), conv, sliced_y.view(), ctx);
      EXPECT_EQ(test::checksum(y.view()), test::checksum(sliced_y.view())) << "channel slices";
      EXPECT_TRUE(sliced_y.margins_untouched());
      if (!isa_info(isa).fused) continue;
      if (!bits) bits = test::checksum(y.view());
      EXPECT_EQ(test::checksum(y.view()), *bits) << "bits differ";
    }
  }
}

TEST(Conv2d, AgreesWithTheReferenceAroundTheEdgesOfTiles) {
  std::uint64_t seed = 1;
  for (std::int64_t width : {1, 2, 5, 6, 7, 11, 12, 13, 25}) {
    for (std::int64_t out : {1, 15, 16, 17, 32, 33, 65}) {
      check({.x = {1, 3, width, 3},
             .out = out,
             .kernel_h = 3,
             .kernel_w = 3,
             .params = {.padding_h = 1, .padding_w = 1, .activation = Activation::relu()}},
            seed++);
    }
  }
}

TEST(Conv2d, AgreesWithTheReferenceOnAnyGeometry) {
  Random random(7);
  for (std::uint64_t seed = 100; seed < 180; ++seed) {
    Case c;
    c.params.groups = random.integer(0, 3) == 0 ? random.integer(2, 3) : 1;
    c.x = {random.integer(1, 2), random.integer(1, 9), random.integer(1, 30),
           c.params.groups * random.integer(1, 18)};
    c.out = c.params.groups * random.integer(1, 35);
    c.kernel_h = random.integer(1, 4);
    c.kernel_w = random.integer(1, 5);
    c.params.stride_h = random.integer(1, 3);
    c.params.stride_w = random.integer(1, 3);
    c.params.dilation_h = random.integer(1, 3);
    c.params.dilation_w = random.integer(1, 3);
    c.params.padding_h = random.integer(0, 4);
    c.params.padding_w = random.integer(0, 4);
    using Kind = Activation::Kind;
    constexpr Kind kinds[] = {Kind::none, Kind::relu, Kind::leaky_relu, Kind::sigmoid, Kind::tanh};
    c.params.activation.kind = kinds[random.integer(0, 4)];
    c.bias = random.integer(0, 1) == 1;
    c.scale = random.integer(0, 1) == 1;
    c.addends = random.integer(0, 3) > 0;
    const bool fits = c.x.h + 2 * c.params.padding_h > c.params.dilation_h * (c.kernel_h - 1) &&
                      c.x.w + 2 * c.params.padding_w > c.params.dilation_w * (c.kernel_w - 1);
    if (fits) check(c, seed);
  }
}

TEST(Conv2d, PointwiseRunsOverTheWholeBatch) {
  check({.x = {3, 5, 7, 40}, .out = 50, .kernel_h = 1, .kernel_w = 1, .params = {}}, 5);
  check({.x = {1, 1, 1, 1}, .out = 1, .kernel_h = 1, .kernel_w = 1, .params = {}}, 6);
}

TEST(Conv2d, AnEmptyBatchGivesAnEmptyResult) {
  Random random(3);
  const Case c{.x = {0, 4, 4, 2}, .out = 3, .kernel_h = 3, .kernel_w = 3, .params = {}};
  const Weights weights(c, random);
  const PackedConv2d conv("test", c.params, weights.spans());
  Tensor x(c.x);
  Tensor y(conv.output_shape(c.x));
  Context ctx;
  EXPECT_NO_THROW(conv2d(x.view(), conv, y.view(), ctx));
}

TEST(Conv2d, NamesWhatIsWrong) {
  Random random(3);
  const Case c{.x = {1, 4, 4, 2}, .out = 3, .kernel_h = 3, .kernel_w = 3, .params = {}};
  const Weights weights(c, random);
  const PackedConv2d conv("conv1a", c.params, weights.spans());
  EXPECT_EQ(test::error_of([&] {
              conv.output_shape({1, 4, 4, 5});
            }),
            "conv2d conv1a: expected 2 input channels, got 5");
  EXPECT_EQ(test::error_of([&] {
              conv.output_shape({1, 2, 4, 2});
            }),
            "conv2d conv1a: a side of 2 with padding 0 is smaller than the kernel's extent of 3");
  Conv2dWeights short_weights = weights.spans();
  short_weights.weight = short_weights.weight.first(5);
  EXPECT_EQ(test::error_of([&] { PackedConv2d("conv1a", c.params, short_weights); }),
            "conv2d conv1a: weight: expected 54 values, got 5");
  EXPECT_EQ(test::error_of([&] { PackedConv2d("conv1a", {.stride_h = 0}, weights.spans()); }),
            "conv2d conv1a: stride_h: expected at least 1, got 0");
}

}  // namespace
}  // namespace hewn
