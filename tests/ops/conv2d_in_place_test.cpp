// conv2d_in_place(), and convolutions packed for one kind of Context.
#include "hewn/ops/conv2d/conv2d.h"
#include "hewn/ops/conv_chain/conv_chain.h"
#include "hewn/runtime/error.h"

#include <string>
#include <vector>

#include "tests/support/compare.h"
#include "tests/support/errors.h"
#include "tests/support/random.h"
#include <gtest/gtest.h>

namespace hewn {
namespace {

using test::Random;

PackedConv2d random_conv(const Shape& shape, const Conv2dParams& params, Random& random) {
  const std::vector<float> weight = random.values(shape.count());
  const std::vector<float> bias = random.values(shape[0]);
  return {"test", params, {.shape = shape, .weight = weight, .bias = bias}};
}

// Few rows, as many as there are bands, and many; reaches of one row and of several.
// Label: bits
TEST(Conv2dInPlace, HasTheBitsOfTwoMaps) {
  Random random(1);
  struct {
    Shape kernel;
    Conv2dParams params;
  } const cases[] = {
      {{20, 20, 3, 3}, {.padding_h = 1, .padding_w = 1, .activation = Activation::relu()}},
      {{5, 5, 3, 3}, {.padding_h = 1, .padding_w = 1}},
      {{17, 17, 5, 1}, {.padding_h = 2}},
      {{18, 18, 3, 3}, {.padding_h = 4, .padding_w = 4, .dilation_h = 4, .dilation_w = 4}},
      {{16, 16, 1, 1}, {}},
  };
  for (const auto& c : cases) {
    const PackedConv2d conv = random_conv(c.kernel, c.params, random);
    for (const std::int64_t rows : {1, 2, 5, 16, 17, 40, 83}) {
      const Tensor x = random.tensor({2, rows, 9, c.kernel[0]});
      for (const bool precise : {false, true}) {
        for (const int threads : {1, 5}) {
          SCOPED_TRACE(text_of("kernel ", c.kernel, " rows ", rows, " precise ", precise));
          Context ctx({.threads = threads, .precise = precise});
          Tensor apart(x.shape());
          conv2d(x.view(), conv, apart.view(), ctx);
          test::Sliced in_place(x.shape(), &x);
          conv2d_in_place(in_place.view(), conv, ctx);
          EXPECT_EQ(test::checksum(in_place.view()), test::checksum(apart.view()));
          EXPECT_TRUE(in_place.margins_untouched());
        }
      }
    }
  }
}

TEST(Conv2dInPlace, NamesWhatIsWrong) {
  Random random(2);
  Context ctx({.threads = 1});
  Tensor x({1, 8, 8, 4});
  const PackedConv2d shrinks = random_conv({4, 4, 3, 3}, {}, random);
  EXPECT_EQ(test::error_of([&] { conv2d_in_place(x.view(), shrinks, ctx); }),
            text_of("conv2d test: expected an output of ", Nhwc{1, 6, 6, 4}, ", got ", x.shape()));
  // 8 of the 16 padded rows are seen, so the shape stays.
  const PackedConv2d strided = random_conv(
      {4, 4, 1, 1}, {.stride_h = 2, .stride_w = 2, .padding_h = 4, .padding_w = 4}, random);
  EXPECT_EQ(test::error_of([&] { conv2d_in_place(x.view(), strided, ctx); }),
            "conv2d test: in place, expected a stride of 1, got 2 × 2");
}

TEST(Conv2dPacking, KeepsTheWeightsThatItsContextsNeed) {
  Random random(3);
  const Shape shape{20, 20, 3, 3};
  const std::vector<float> weight = random.values(shape.count());
  const Tensor x = random.tensor({1, 9, 10, 20});
  const auto pack = [&](Conv2dPacking packing) {
    return PackedConv2d("test", {.padding_h = 1, .padding_w = 1, .packing = packing},
                        {.shape = shape, .weight = weight});
  };
  const auto run = [&](const PackedConv2d& conv, bool precise) {
    Context ctx({.threads = 1, .precise = precise});
    Tensor y({1, 9, 10, 20});
    conv2d(x.view(), conv, y.view(), ctx);
    return test::checksum(y.view());
  };
  const PackedConv2d any = pack(Conv2dPacking::any);
  const PackedConv2d fast = pack(Conv2dPacking::fast);
  const PackedConv2d precise = pack(Conv2dPacking::precise);
  EXPECT_NE(run(any, false), run(any, true)) << "both ran the same algorithm";

  EXPECT_EQ(fast.panels(), nullptr);
  EXPECT_EQ(run(fast, false), run(any, false));
  const std::string refusal =
      "conv2d test: its weights are packed for contexts that are not precise";
  EXPECT_EQ(test::error_of([&] { run(fast, true); }), refusal);

  EXPECT_EQ(precise.winograd(), nullptr);
  EXPECT_EQ(run(precise, true), run(any, true));
  EXPECT_EQ(run(precise, false), run(any, true));

  Context ctx({.threads = 1, .precise = true});
  Tensor pooled({1, 4, 5, 20});
  EXPECT_EQ(test::error_of([&] { conv2d_max_pool(x.view(), fast, pooled.view(), ctx); }), refusal);
  const ConvLink links[] = {Conv2dLink{&fast}, Conv2dLink{&fast, /*max_pool=*/true}};
  EXPECT_EQ(test::error_of([&] { conv_chain_depth_first(x.view(), links, pooled.view(), ctx); }),
            refusal);
  Tensor copy = Tensor::copy_of(x.view());
  EXPECT_EQ(test::error_of([&] { conv2d_in_place(copy.view(), fast, ctx); }), refusal);
}

TEST(Conv2dPacking, ADirectConvolutionHasOneKindOfWeights) {
  Random random(4);
  const PackedConv2d conv = random_conv({8, 4, 3, 3}, {.packing = Conv2dPacking::fast}, random);
  EXPECT_NE(conv.panels(), nullptr);
  const Tensor x = random.tensor({1, 5, 5, 4});
  Tensor y({1, 3, 3, 8});
  Context ctx({.threads = 1, .precise = true});
  EXPECT_NO_THROW(conv2d(x.view(), conv, y.view(), ctx));
}

}  // namespace
}  // namespace hewn
