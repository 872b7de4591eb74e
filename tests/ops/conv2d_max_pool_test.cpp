// Convolutions with the pooling, and the convolution before them, fused in.
#include "hewn/ops/conv2d/conv2d.h"
#include "hewn/ops/pool2d/pool2d.h"
#include "hewn/runtime/error.h"

#include <optional>
#include <string>
#include <vector>

#include "tests/support/compare.h"
#include "tests/support/random.h"
#include <gtest/gtest.h>

namespace hewn {
namespace {

using test::Random;

constexpr Pool2dParams kHalve{.kernel_h = 2, .kernel_w = 2, .stride_h = 2, .stride_w = 2};

PackedConv2d random_conv(const std::string& name, std::int64_t in, std::int64_t out,
                         std::int64_t kernel, std::int64_t dilation, Random& random) {
  const Shape shape{out, in, kernel, kernel};
  const auto weight = random.values(shape.count());
  const auto bias = random.values(out);
  const auto scale = random.values(out, -2, 2);  // of both signs: pooling comes after it
  const auto shift = random.values(out);
  const std::int64_t padding = kernel / 2 * dilation;
  return {name,
          {.padding_h = padding,
           .padding_w = padding,
           .dilation_h = dilation,
           .dilation_w = dilation,
           .activation = Activation::relu()},
          {.shape = shape, .weight = weight, .bias = bias, .scale = scale, .shift = shift}};
}

Tensor unfused(ConstView x, const std::vector<const PackedConv2d*>& convs, Context& ctx) {
  Tensor map = Tensor::copy_of(x);
  for (const PackedConv2d* conv : convs) {
    Tensor next(conv->output_shape(map.shape()));
    conv2d(map.view(), *conv, next.view(), ctx);
    map = std::move(next);
  }
  Tensor pooled(pool2d_output_shape(map.shape(), kHalve));
  max_pool2d(map.view(), kHalve, pooled.view(), ctx);
  return pooled;
}

// Label: bits
TEST(Conv2dMaxPool, HasTheBitsOfConvolutionThenPooling) {
  Random random(1);
  for (std::int64_t channels : {3, 16, 20}) {
    for (std::int64_t dilation : {1, 2}) {
      const PackedConv2d conv = random_conv("conv", channels, 17, 3, dilation, random);
      for (std::int64_t side : {2, 3, 4, 7, 8, 9, 13}) {
        const Tensor x = random.tensor({2, side, 15 - side, channels});
        for (Isa isa : test::usable_isas()) {
          SCOPED_TRACE(text_of(channels, " channels, dilation ", dilation, ", x ", x.shape(), ", ",
                               isa_name(isa)));
          Context ctx({.threads = 2, .isa = isa});
          const Tensor expected = unfused(x.view(), {&conv}, ctx);
          test::Sliced y(expected.shape());
          conv2d_max_pool(x.view(), conv, y.view(), ctx);
          EXPECT_EQ(test::checksum(y.view()), test::checksum(expected.view()));
          EXPECT_TRUE(y.margins_untouched());
        }
      }
    }
  }
}

struct Pair {
  std::int64_t in, between, out, kernel, dilation;
};

// The pictures are wide, so that stripes have their least height and several are needed.
// Labels: bits long
TEST(Conv2dPairMaxPool, HasTheBitsOfTheWholeMaps) {
  Random random(2);
  for (const Pair& p : {Pair{1, 16, 16, 3, 1}, Pair{16, 17, 16, 3, 1}, Pair{2, 3, 5, 3, 1},
                        Pair{1, 3, 4, 5, 1}, Pair{2, 16, 16, 3, 3}, Pair{1, 2, 3, 1, 1}}) {
    const PackedConv2d first = random_conv("first", p.in, p.between, 3, 1, random);
    const PackedConv2d second =
        random_conv("second", p.between, p.out, p.kernel, p.dilation, random);
    for (std::int64_t height : {7, 16, 17, 20, 21, 36, 41, 67}) {
      const Tensor x = random.tensor({1, height, 1601, p.in});
      for (bool precise : {false, true}) {
        SCOPED_TRACE(text_of(p.in, " → ", p.between, " → ", p.out, " kernel ", p.kernel,
                             " dilation ", p.dilation, " height ", height,
                             precise ? " precise" : ""));
        std::optional<std::uint64_t> expected;
        // Wide strips and narrow ones: the bits do not depend on L2.
        for (std::int64_t l2_bytes : {4 << 20, 1}) {
          Context ctx({.threads = 2, .precise = precise, .l2_bytes = l2_bytes});
          if (!expected)
            expected = test::checksum(unfused(x.view(), {&first, &second}, ctx).view());
          Tensor y({1, height / 2, 800, p.out});
          conv2d_pair_max_pool(x.view(), first, second, y.view(), ctx);
          EXPECT_EQ(test::checksum(y.view()), *expected) << l2_bytes << " bytes of L2";
        }
      }
    }
  }
}

TEST(Conv2dPairMaxPool, NeverHoldsTheMapBetween) {
  Random random(3);
  const PackedConv2d first = random_conv("first", 1, 64, 3, 1, random);
  const PackedConv2d second = random_conv("second", 64, 16, 3, 1, random);
  const Tensor x = random.tensor({1, 400, 640, 1});
  Tensor y({1, 200, 320, 16});
  Context ctx({.threads = 1});
  conv2d_pair_max_pool(x.view(), first, second, y.view(), ctx);
  const std::int64_t whole_map = 400 * 640 * 64 * 4;
  EXPECT_LT(ctx.arena().peak_bytes(), whole_map / 4);
}

TEST(Conv2dPairMaxPool, RefusesConvolutionsThatChangeTheSize) {
  Random random(4);
  const PackedConv2d first = random_conv("first", 1, 4, 3, 1, random);
  const Shape shape{4, 4, 3, 3};
  const auto weight = random.values(shape.count());
  const PackedConv2d shrinking("second", {}, {.shape = shape, .weight = weight});
  const Tensor x = random.tensor({1, 10, 10, 1});
  Tensor y({1, 4, 4, 4});
  Context ctx({.threads = 1});
  EXPECT_THROW(conv2d_pair_max_pool(x.view(), first, shrinking, y.view(), ctx), Error);
}

}  // namespace
}  // namespace hewn
