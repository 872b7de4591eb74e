#include "hewn/ops/conv_transpose2d/conv_transpose2d.h"

#include "hewn/ops/conv_transpose2d/conv_transpose2d_reference.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

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
  ConvTranspose2dParams params;
  bool scale = false;
};

/// As for conv2d(), in conv2d_test.cpp: at most in · kernel_h · kernel_w products and 8 more
/// roundings, none of which exceeds u times the same sum over absolute values. Winograd's constants
/// (winograd_test.cpp) are below 100.
void check(const Case& c, std::uint64_t seed, bool precise = true) {
  const ConvTranspose2dParams& p = c.params;
  SCOPED_TRACE(text_of("x ", c.x, " out ", c.out, " kernel ", c.kernel_h, "×", c.kernel_w,
                       " stride ", p.stride_h, ",", p.stride_w, " padding ", p.padding_h, ",",
                       p.padding_w, " output padding ", p.output_padding_h, ",", p.output_padding_w,
                       " dilation ", p.dilation_h, ",", p.dilation_w, " groups ", p.groups,
                       " seed ", seed));
  Random random(seed);
  const Tensor x = random.tensor(c.x);
  const Shape shape{c.x.c, c.out / p.groups, c.kernel_h, c.kernel_w};
  const auto weight = random.values(shape.count());
  const auto bias = random.values(c.out);
  const auto scale = c.scale ? random.values(c.out, 0.5, 2) : std::vector<float>{};
  const auto shift = c.scale ? random.values(c.out) : std::vector<float>{};
  const Conv2dWeights weights{shape, weight, bias, scale, shift};
  const PackedConvTranspose2d conv("test", p, weights);
  const Nhwc y_shape = conv.output_shape(c.x);
  const auto expected = conv_transpose2d_reference(x.view(), p, weights, y_shape);

  Tensor abs_x = Tensor::copy_of(x.view());
  for (float& value : abs_x.values()) value = std::abs(value);
  const auto abs_weight = test::absolute(weight);
  const auto abs_bias = test::absolute(bias);
  const auto abs_shift = test::absolute(shift);
  ConvTranspose2dParams linear = p;
  linear.activation = {};
  auto bound = conv_transpose2d_reference(abs_x.view(), linear,
                                          {shape, abs_weight, abs_bias, scale, abs_shift}, y_shape);
  const auto terms = static_cast<double>(c.x.c / p.groups * c.kernel_h * c.kernel_w + 8);
  const double constant = precise ? 1 : 100;
  // A tile's error is that of its largest values, so where a sum is small, it is not.
  const double largest = precise ? 0 : *std::ranges::max_element(bound);
  for (double& value : bound) {
    value = (std::max(value, largest) + 1) * terms * constant * test::kUnitRoundoff;
  }

  std::optional<std::uint64_t> bits;
  for (Isa isa : test::usable_isas()) {
    for (int threads : {1, 2, 5}) {
      SCOPED_TRACE(text_of("isa ", isa_name(isa), " threads ", threads));
      Context ctx({.threads = threads, .isa = isa, .precise = precise});
      test::Sliced sliced_x(c.x, &x);
      test::Sliced y(y_shape);
      conv_transpose2d(sliced_x.view(), conv, y.view(), ctx);
      EXPECT_TRUE(test::all_within(y.view(), expected, bound));
      EXPECT_TRUE(y.margins_untouched());
      if (!isa_info(isa).fused) continue;
      if (!bits) bits = test::checksum(y.view());
      EXPECT_EQ(test::checksum(y.view()), *bits) << "bits differ";
    }
  }
}

TEST(ConvTranspose2d, FourByFourWithStrideTwoAroundTheEdgesOfTiles) {
  std::uint64_t seed = 1;
  for (std::int64_t width : {1, 2, 5, 6, 7, 11, 12, 13}) {
    for (std::int64_t out : {1, 16, 33}) {
      check({.x = {1, 3, width, 5},
             .out = out,
             .kernel_h = 4,
             .kernel_w = 4,
             .params = {.stride_h = 2,
                        .stride_w = 2,
                        .padding_h = 1,
                        .padding_w = 1,
                        .activation = Activation::relu()}},
            seed++);
    }
  }
}

TEST(ConvTranspose2d, AgreesWithTheReferenceOnAnyGeometry) {
  Random random(5);
  int checked = 0;
  for (std::uint64_t seed = 100; seed < 180; ++seed) {
    const std::int64_t groups = random.integer(1, 3);
    Case c{.x = {random.integer(1, 2), random.integer(1, 6), random.integer(1, 14),
                 groups * random.integer(1, 7)},
           .out = groups * random.integer(1, 20),
           .kernel_h = random.integer(1, 5),
           .kernel_w = random.integer(1, 5),
           .params = {.stride_h = random.integer(1, 4),
                      .stride_w = random.integer(1, 4),
                      .padding_h = random.integer(0, 3),
                      .padding_w = random.integer(0, 3),
                      .dilation_h = random.integer(1, 3),
                      .dilation_w = random.integer(1, 3),
                      .groups = groups},
           .scale = random.integer(0, 1) == 1};
    ConvTranspose2dParams& p = c.params;
    p.output_padding_h = random.integer(0, std::max(p.stride_h, p.dilation_h) - 1);
    p.output_padding_w = random.integer(0, std::max(p.stride_w, p.dilation_w) - 1);
    const auto side = [](std::int64_t x, std::int64_t stride, std::int64_t padding,
                         std::int64_t dilation, std::int64_t kernel, std::int64_t more) {
      return (x - 1) * stride - 2 * padding + dilation * (kernel - 1) + more + 1;
    };
    if (side(c.x.h, p.stride_h, p.padding_h, p.dilation_h, c.kernel_h, p.output_padding_h) < 1 ||
        side(c.x.w, p.stride_w, p.padding_w, p.dilation_w, c.kernel_w, p.output_padding_w) < 1) {
      continue;
    }
    check(c, seed);
    ++checked;
  }
  EXPECT_GT(checked, 40);
}

// 4×4 with stride 2, 3×3 with stride 2 and their like: all phases see three inputs along an axis.
TEST(ConvTranspose2d, PhasesRunTogetherWhereThatSavesProducts) {
  const auto merges = [](std::int64_t in, std::int64_t kernel, std::int64_t stride,
                         std::int64_t groups) {
    const Shape shape{in, 2, kernel, kernel};
    const std::vector<float> weight(static_cast<std::size_t>(shape.count()));
    const ConvTranspose2dParams params{.stride_h = stride, .stride_w = stride, .groups = groups};
    return PackedConvTranspose2d("test", params, {.shape = shape, .weight = weight})
        .merged()
        .has_value();
  };
  EXPECT_TRUE(merges(16, 4, 2, 1));
  EXPECT_TRUE(merges(16, 3, 2, 1));
  EXPECT_TRUE(merges(16, 6, 2, 1));
  EXPECT_TRUE(merges(16, 6, 3, 1));
  EXPECT_FALSE(merges(15, 4, 2, 1)) << "too few channels";
  EXPECT_FALSE(merges(16, 4, 2, 2)) << "groups";
  EXPECT_FALSE(merges(16, 2, 2, 1)) << "a tap a phase needs fewer products without";
  EXPECT_FALSE(merges(16, 7, 2, 1)) << "phases with four taps";

  std::uint64_t seed = 1;
  for (std::int64_t width : {1, 2, 3, 4, 5, 8, 9, 17}) {
    for (std::int64_t out : {1, 16, 17, 33}) {
      check({.x = {1, (width + 3) / 2, width, 17},
             .out = out,
             .kernel_h = 4,
             .kernel_w = 4,
             .params = {.stride_h = 2,
                        .stride_w = 2,
                        .padding_h = 1,
                        .padding_w = 1,
                        .activation = Activation::relu()},
             .scale = true},
            seed++, /*precise=*/false);
    }
  }
  Random random(2);
  for (int i = 0; i < 40; ++i) {
    Case c{.x = {random.integer(1, 2), random.integer(1, 11), random.integer(1, 11),
                 random.integer(16, 40)},
           .out = random.integer(1, 40),
           .kernel_h = random.integer(3, 6),
           .kernel_w = random.integer(3, 6),
           .params = {.stride_h = random.integer(1, 3),
                      .stride_w = random.integer(1, 3),
                      .padding_h = random.integer(0, 1),
                      .padding_w = random.integer(0, 1)}};
    c.params.output_padding_h = random.integer(0, c.params.stride_h - 1);
    c.params.output_padding_w = random.integer(0, c.params.stride_w - 1);
    check(c, seed++, /*precise=*/false);
  }
}

TEST(ConvTranspose2d, KeepsTheWeightsThatItsContextsNeed) {
  const std::vector<float> weight(std::size_t{16 * 3 * 4 * 4});
  ConvTranspose2dParams params{.stride_h = 2, .stride_w = 2, .packing = Conv2dPacking::fast};
  const Conv2dWeights weights{.shape = {16, 3, 4, 4}, .weight = weight};
  const PackedConvTranspose2d fast("up", params, weights);
  EXPECT_TRUE(fast.phases().empty());
  params.packing = Conv2dPacking::precise;
  EXPECT_FALSE(PackedConvTranspose2d("up", params, weights).merged());
  const Tensor x({1, 2, 2, 16});
  Tensor y(fast.output_shape(x.shape()));
  Context ctx({.threads = 1, .precise = true});
  EXPECT_EQ(test::error_of([&] { conv_transpose2d(x.view(), fast, y.view(), ctx); }),
            "conv_transpose2d up: its weights are packed for contexts that are not precise");
}

// 6×6 with stride 2 and a dilation of 3 is four 3×3 convolutions, whose taps lie too far from one
// another for the phases to run together. Each runs by Winograd unless `precise` says otherwise.
TEST(ConvTranspose2d, PhasesRunByTheFastAlgorithms) {
  Random random(6);
  const Shape shape{16, 16, 6, 6};
  const auto weight = random.values(shape.count());
  const ConvTranspose2dParams params{.stride_h = 2,
                                     .stride_w = 2,
                                     .padding_h = 2,
                                     .padding_w = 2,
                                     .dilation_h = 3,
                                     .dilation_w = 3};
  const PackedConvTranspose2d conv("test", params, {.shape = shape, .weight = weight});
  EXPECT_FALSE(conv.merged());
  ASSERT_EQ(conv.phases().size(), 4U);
  for (const auto& phase : conv.phases()) {
    EXPECT_EQ(phase.conv.algorithm(), Conv2dAlgorithm::winograd_4x4_3x3);
  }
  const Tensor x = random.tensor({1, 9, 11, 16});
  Tensor fast(conv.output_shape(x.shape()));
  Tensor precise(fast.shape());
  Context fast_ctx({.threads = 1});
  Context precise_ctx({.threads = 1, .precise = true});
  conv_transpose2d(x.view(), conv, fast.view(), fast_ctx);
  conv_transpose2d(x.view(), conv, precise.view(), precise_ctx);
  EXPECT_NE(test::checksum(fast.view()), test::checksum(precise.view()));
  for (std::size_t i = 0; i < fast.values().size(); ++i) {
    // 144 products of at most 1, and Winograd's constants (winograd_test.cpp) below 100.
    EXPECT_NEAR(fast.values()[i], precise.values()[i], 144 * 100 * test::kUnitRoundoff);
  }
}

TEST(ConvTranspose2d, NamesWhatIsWrong) {
  const std::vector<float> weight(2 * 3 * 4 * 4);
  const Conv2dWeights weights{.shape = {2, 3, 4, 4}, .weight = weight};
  const auto message = [&](const ConvTranspose2dParams& params) {
    return test::error_of([&] { PackedConvTranspose2d("up", params, weights); });
  };
  EXPECT_EQ(message({.stride_h = 0}), "conv_transpose2d up: stride_h: expected 1 to 64, got 0");
  EXPECT_EQ(message({.stride_w = 2, .output_padding_w = 2}),
            "conv_transpose2d up: output_padding_w: expected 0 to 1, got 2");
  EXPECT_EQ(message({.groups = 3}),
            "conv_transpose2d up: 2 input channels do not divide into 3 groups");
  const PackedConvTranspose2d conv("up", {.padding_h = 2}, weights);
  EXPECT_EQ(test::error_of([&] {
              conv.output_shape({1, 2, 2, 5});
            }),
            "conv_transpose2d up: expected 2 input channels, got 5");
  EXPECT_EQ(test::error_of([&] {
              conv.output_shape({1, 1, 2, 2});
            }),
            "conv_transpose2d up: a side of 1 with padding 2 leaves nothing of the result");
  const Tensor x({1, 3, 3, 2});
  Tensor y({1, 3, 3, 3});
  Context ctx({.threads = 1});
  EXPECT_EQ(
      test::error_of([&] { conv_transpose2d(x.view(), conv, y.view(), ctx); }),
      "conv_transpose2d up: expected an output of [n 1, h 2, w 6, c 3], got [n 1, h 3, w 3, c 3]");
}

}  // namespace
}  // namespace hewn
