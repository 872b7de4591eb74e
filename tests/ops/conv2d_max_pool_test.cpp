// Convolutions with the pooling fused in.
#include "hewn/ops/conv2d/conv2d.h"
#include "hewn/ops/pool2d/pool2d.h"
#include "hewn/runtime/error.h"

#include "tests/support/compare.h"
#include "tests/support/random.h"
#include <gtest/gtest.h>

namespace hewn {
namespace {

using test::Random;

constexpr Pool2dParams kHalve{.kernel_h = 2, .kernel_w = 2, .stride_h = 2, .stride_w = 2};

PackedConv2d random_conv(std::int64_t in, std::int64_t out, std::int64_t kernel,
                         std::int64_t dilation, Random& random) {
  const Shape shape{out, in, kernel, kernel};
  const auto weight = random.values(shape.count());
  const auto bias = random.values(out);
  const auto scale = random.values(out, -2, 2);  // of both signs: pooling comes after it
  const auto shift = random.values(out);
  const std::int64_t padding = kernel / 2 * dilation;
  return {"conv",
          {.padding_h = padding,
           .padding_w = padding,
           .dilation_h = dilation,
           .dilation_w = dilation,
           .activation = Activation::relu()},
          {.shape = shape, .weight = weight, .bias = bias, .scale = scale, .shift = shift}};
}

Tensor unfused(ConstView x, const PackedConv2d& conv, Context& ctx) {
  Tensor map(conv.output_shape(x.shape));
  conv2d(x, conv, map.view(), ctx);
  Tensor pooled(pool2d_output_shape(map.shape(), kHalve));
  max_pool2d(map.view(), kHalve, pooled.view(), ctx);
  return pooled;
}

// Label: bits
TEST(Conv2dMaxPool, HasTheBitsOfConvolutionThenPooling) {
  Random random(1);
  for (std::int64_t channels : {3, 16, 20}) {
    for (std::int64_t dilation : {1, 2}) {
      const PackedConv2d conv = random_conv(channels, 17, 3, dilation, random);
      for (std::int64_t side : {2, 3, 4, 7, 8, 9, 13}) {
        const Tensor x = random.tensor({2, side, 15 - side, channels});
        for (Isa isa : test::usable_isas()) {
          SCOPED_TRACE(text_of(channels, " channels, dilation ", dilation, ", x ", x.shape(), ", ",
                               isa_name(isa)));
          Context ctx({.threads = 2, .isa = isa});
          const Tensor expected = unfused(x.view(), conv, ctx);
          test::Sliced y(expected.shape());
          conv2d_max_pool(x.view(), conv, y.view(), ctx);
          EXPECT_EQ(test::checksum(y.view()), test::checksum(expected.view()));
          EXPECT_TRUE(y.margins_untouched());
        }
      }
    }
  }
}

}  // namespace
}  // namespace hewn
