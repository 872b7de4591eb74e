#include "hewn/ops/conv_chain/conv_chain.h"

#include "hewn/ops/pool2d/pool2d.h"
#include "hewn/runtime/error.h"

#include <cstdint>
#include <deque>
#include <initializer_list>
#include <optional>
#include <utility>
#include <vector>

#include "tests/support/compare.h"
#include "tests/support/errors.h"
#include "tests/support/random.h"
#include "tests/support/traced_run.h"
#include <gtest/gtest.h>

namespace hewn {
namespace {

using test::Random;

/// Convolutions one after the other, with random weights and channels that fit.
class Links {
 public:
  Links(std::int64_t channels, std::uint64_t seed) : random_(seed), channels_(channels) {}

  Links& conv(std::int64_t out, std::int64_t kernel, Conv2dParams params, bool max_pool = false) {
    const Shape shape{out, channels_, kernel, kernel};
    // Scales of both signs: pooling comes after them.
    const auto weight = random_.values(shape.count());
    const auto bias = random_.values(out);
    const auto scale = random_.values(out, -2, 2);
    const auto shift = random_.values(out);
    convs_.emplace_back(
        text_of("conv", links_.size()), params,
        Conv2dWeights{
            .shape = shape, .weight = weight, .bias = bias, .scale = scale, .shift = shift});
    links_.emplace_back(Conv2dLink{&convs_.back(), max_pool});
    channels_ = out;
    return *this;
  }

  Links& up(std::int64_t out, std::int64_t kernel, ConvTranspose2dParams params) {
    const Shape shape{channels_, out, kernel, kernel};
    ups_.emplace_back(text_of("up", links_.size()), params,
                      Conv2dWeights{.shape = shape, .weight = random_.values(shape.count())});
    links_.emplace_back(&ups_.back());
    channels_ = out;
    return *this;
  }

  std::span<const ConvLink> links() const { return links_; }

  /// The maps of the links, each by an operator of its own.
  std::vector<TracedLayer> one_by_one(ConstView x, Context& ctx) const {
    std::vector<TracedLayer> maps;
    for (const ConvLink& link : links_) {
      maps.push_back(std::visit([&](const auto& each) { return run(x, each, ctx); }, link));
      x = std::as_const(maps.back().values).view();
    }
    return maps;
  }

 private:
  static TracedLayer run(ConstView x, const Conv2dLink& link, Context& ctx) {
    Tensor y(link.conv->output_shape(x.shape));
    conv2d(x, *link.conv, y.view(), ctx);
    if (!link.max_pool) return {link.conv->name(), std::move(y)};
    Tensor pooled(pool2d_output_shape(y.shape(), kHalve));
    max_pool2d(y.view(), kHalve, pooled.view(), ctx);
    return {link.conv->name() + ".max_pool", std::move(pooled)};
  }
  static TracedLayer run(ConstView x, const PackedConvTranspose2d* conv, Context& ctx) {
    Tensor y(conv->output_shape(x.shape));
    conv_transpose2d(x, *conv, y.view(), ctx);
    return {conv->name(), std::move(y)};
  }

  Random random_;
  std::int64_t channels_;
  std::deque<PackedConv2d> convs_;
  std::deque<PackedConvTranspose2d> ups_;
  std::vector<ConvLink> links_;
};

void check(const Links& links, const Nhwc& x_shape) {
  SCOPED_TRACE(text_of("x ", x_shape));
  const Tensor x = Random(7).tensor(x_shape);
  const auto expect_bits = [&](const ContextOptions& options,
                               std::initializer_list<std::int64_t> budgets) {
    Context ctx(options);
    const Tensor expected = std::move(links.one_by_one(x.view(), ctx).back().values);
    for (const std::int64_t budget : budgets) {
      SCOPED_TRACE(text_of("isa ", isa_name(ctx.isa()), " threads ", ctx.threads(), " precise ",
                           ctx.precise(), " bytes ", budget));
      test::Sliced sliced_x(x_shape, &x);
      test::Sliced y(expected.shape());
      conv_chain(sliced_x.view(), links.links(), budget, y.view(), ctx);
      EXPECT_EQ(test::checksum(y.view()), test::checksum(expected.view()));
      EXPECT_TRUE(y.margins_untouched());
    }
    test::Sliced y(expected.shape());
    conv_chain_depth_first(x.view(), links.links(), y.view(), ctx);
    EXPECT_EQ(test::checksum(y.view()), test::checksum(expected.view())) << "depth first";
    EXPECT_TRUE(y.margins_untouched());
  };
  // The smallest stripes, some, and one for the whole map; the smallest everywhere.
  for (const bool precise : {false, true}) {
    expect_bits({.threads = 1, .precise = precise}, {0, 40'000, kConvChainBytes});
    expect_bits({.threads = 3, .precise = precise}, {0});
  }
  for (const Isa isa : test::usable_isas()) expect_bits({.threads = 1, .isa = isa}, {0});
}

constexpr Conv2dParams kSame{.padding_h = 1, .padding_w = 1, .activation = Activation::relu()};
constexpr Conv2dParams kHalf{.stride_h = 2, .stride_w = 2, .padding_h = 1, .padding_w = 1};
constexpr ConvTranspose2dParams kDouble{
    .stride_h = 2, .stride_w = 2, .padding_h = 1, .padding_w = 1};

// Label: bits
TEST(ConvChain, HasTheBitsOfItsConvolutionsOneByOne) {
  Links down(4, 1);
  down.conv(17, 5, {.padding_h = 2, .padding_w = 2}).conv(16, 3, kHalf).conv(20, 3, kSame);
  down.conv(8, 3, kHalf);
  Links up(16, 2);
  up.up(17, 4, kDouble).conv(16, 3, kSame).up(16, 4, kDouble).conv(9, 3, kSame).conv(3, 3, kSame);
  for (const std::int64_t height : {1, 7, 9, 30}) {
    check(down, {1, height, 11, 4});
    check(up, {height == 9 ? 2 : 1, height, 6, 16});
  }
}

TEST(ConvChain, TakesAnyConvolution) {
  Random random(3);
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    SCOPED_TRACE(text_of("seed ", seed));
    const std::int64_t channels = random.integer(1, 20);
    Links links(channels, seed);
    for (std::int64_t i = random.integer(1, 4); i > 0; --i) {
      const std::int64_t out = random.integer(1, 20);
      const std::int64_t kernel = random.integer(1, 5);
      const std::int64_t stride = random.integer(1, 2);
      const std::int64_t dilation = random.integer(1, 2);
      const std::int64_t padding = random.integer(0, 6);
      if (random.integer(0, 1) == 0) {
        links.conv(out, kernel,
                   {.stride_h = stride,
                    .stride_w = stride,
                    .padding_h = padding,
                    .padding_w = padding,
                    .dilation_h = dilation,
                    .dilation_w = dilation},
                   /*max_pool=*/i == 1);
      } else {
        links.up(out, kernel,
                 {.stride_h = stride,
                  .stride_w = stride,
                  .padding_h = padding / 3,
                  .padding_w = padding / 3,
                  .dilation_h = dilation,
                  .dilation_w = dilation});
      }
    }
    check(links, {1, 40, 40, channels});
  }
}

struct Pair {
  std::int64_t in, between, out, kernel, dilation;
};

// The pictures are wide, so that stripes have their least height and several are needed.
// Labels: bits long
TEST(ConvChain, DepthFirstHasTheBitsOfTheWholeMaps) {
  for (const Pair& p : {Pair{1, 16, 16, 3, 1}, Pair{16, 17, 16, 3, 1}, Pair{2, 3, 5, 3, 1},
                        Pair{1, 3, 4, 5, 1}, Pair{2, 16, 16, 3, 3}, Pair{1, 2, 3, 1, 1}}) {
    const std::int64_t padding = p.kernel / 2 * p.dilation;
    Links links(p.in, 2);
    links.conv(p.between, 3, kSame);
    links.conv(p.out, p.kernel,
               {.padding_h = padding,
                .padding_w = padding,
                .dilation_h = p.dilation,
                .dilation_w = p.dilation,
                .activation = Activation::relu()},
               /*max_pool=*/true);
    for (const std::int64_t height : {7, 16, 17, 20, 21, 36, 41, 67}) {
      const Tensor x = Random(3).tensor({1, height, 1601, p.in});
      for (const bool precise : {false, true}) {
        SCOPED_TRACE(text_of(p.in, " → ", p.between, " → ", p.out, " kernel ", p.kernel,
                             " dilation ", p.dilation, " height ", height,
                             precise ? " precise" : ""));
        std::optional<std::uint64_t> expected;
        // Wide strips and narrow ones: the bits do not depend on L2.
        for (const std::int64_t l2_bytes : {4 << 20, 1}) {
          Context ctx({.threads = 2, .precise = precise, .l2_bytes = l2_bytes});
          if (!expected) {
            expected = test::checksum(links.one_by_one(x.view(), ctx).back().values.view());
          }
          Tensor y({1, height / 2, 800, p.out});
          conv_chain_depth_first(x.view(), links.links(), y.view(), ctx);
          EXPECT_EQ(test::checksum(y.view()), *expected) << l2_bytes << " bytes of L2";
        }
      }
    }
  }
}

TEST(ConvChain, DepthFirstNeverHoldsTheMapBetween) {
  Links links(1, 3);
  links.conv(64, 3, kSame).conv(16, 3, kSame, /*max_pool=*/true);
  const Tensor x = Random(3).tensor({1, 400, 640, 1});
  Tensor y({1, 200, 320, 16});
  Context ctx({.threads = 1});
  conv_chain_depth_first(x.view(), links.links(), y.view(), ctx);
  const std::int64_t whole_map = 400 * 640 * 64 * 4;
  EXPECT_LT(ctx.arena().peak_bytes(), whole_map / 4);
}

TEST(ConvChain, ATraceSeesEveryMapOfTheRunThatItWatches) {
  Links links(4, 1);
  links.conv(16, 5, {.padding_h = 2, .padding_w = 2}).conv(17, 3, kHalf).conv(16, 3, kSame, true);
  links.up(16, 4, kDouble).conv(3, 3, kSame);
  Links pair(4, 2);
  pair.conv(16, 3, kSame).conv(16, 3, kSame, true);
  const Tensor x = Random(5).tensor({2, 50, 203, 4});
  for (const int threads : {1, 3}) {
    const ContextOptions options{.threads = threads, .l2_bytes = 1};
    Context ctx(options);
    for (const Links* each : {&links, &pair}) {
      const auto run = [&](const auto& chain) {
        return test::bits_of(test::trace_of(options, [&](Context& watched) {
          Tensor y(conv_chain_output_shape(x.shape(), each->links()));
          chain(y, watched);
          return test::checksum(y.view());
        }));
      };
      const auto expected = test::bits_of(each->one_by_one(x.view(), ctx));
      EXPECT_EQ(run([&](Tensor& y, Context& watched) {
                  conv_chain(x.view(), each->links(), 0, y.view(), watched);
                }),
                expected);
      EXPECT_EQ(run([&](Tensor& y, Context& watched) {
                  conv_chain_depth_first(x.view(), each->links(), y.view(), watched);
                }),
                expected);
    }
  }
}

TEST(ConvChain, HoldsOnlyTheRowsThatAreNeeded) {
  Links links(16, 1);
  links.conv(16, 3, kSame).conv(16, 3, kSame).conv(16, 3, kSame);
  const Tensor x({1, 4096, 8, 16});
  Tensor y(x.shape());
  Context ctx({.threads = 1});
  conv_chain(x.view(), links.links(), 0, y.view(), ctx);
  // Two buffers of fewer rows than five tiles, and what a Winograd convolution needs for itself.
  EXPECT_LT(ctx.arena().peak_bytes(), 2 * 20 * 8 * 16 * 4 + 1'000'000);
  EXPECT_LT(ctx.arena().peak_bytes(), x.shape().count() * 4);
  EXPECT_LT(conv_chain_row_bytes(x.shape(), links.links(), 0, ctx), 2 * 20 * 8 * 16 * 4);
  const std::int64_t more = 100'000;
  EXPECT_LE(conv_chain_row_bytes(x.shape(), links.links(), more, ctx), more);
  EXPECT_GT(conv_chain_row_bytes(x.shape(), links.links(), more, ctx), more / 3);
}

TEST(ConvChain, ComputesNoRowTwice) {
  Links links(16, 1);
  links.conv(20, 5, {.padding_h = 2, .padding_w = 2}).conv(16, 3, kHalf).up(16, 4, kDouble);
  links.conv(3, 3, kSame);
  const Tensor x = Random(4).tensor({1, 61, 9, 16});
  const auto flops = [&](std::int64_t budget) {
    Context ctx({.threads = 1});
    ctx.profiler().enable(true);
    Tensor y(conv_chain_output_shape(x.shape(), links.links()));
    conv_chain(x.view(), links.links(), budget, y.view(), ctx);
    double sum = 0;
    for (const ProfileRecord& record : ctx.profiler().records()) sum += record.work.flops;
    EXPECT_GE(ctx.arena().peak_bytes(),
              conv_chain_row_bytes(x.shape(), links.links(), budget, ctx));
    return std::pair(sum, ctx.profiler().records().size());
  };
  const auto whole = flops(kConvChainBytes);
  const auto stripes = flops(0);
  EXPECT_EQ(whole.second, 4U);
  EXPECT_GT(stripes.second, 16U);
  EXPECT_EQ(stripes.first, whole.first);  // whole numbers, far below 2^53
}

TEST(ConvChain, NothingOfNoPictures) {
  Links links(3, 1);
  links.conv(4, 3, kSame);
  Context ctx({.threads = 1});
  const Nhwc none{0, 5, 5, 3};
  Tensor y({0, 5, 5, 4});
  conv_chain(Tensor(none).view(), links.links(), y.view(), ctx);
  EXPECT_EQ(conv_chain_row_bytes(none, links.links(), kConvChainBytes, ctx), 0);
}

TEST(ConvChain, NamesWhatIsWrong) {
  Links links(3, 1);
  links.conv(4, 3, kSame);
  const Tensor x({1, 5, 5, 3});
  Tensor y({1, 5, 5, 3});
  Context ctx({.threads = 1});
  EXPECT_EQ(test::error_of([&] { conv_chain(x.view(), links.links(), y.view(), ctx); }),
            "conv_chain: expected an output of [n 1, h 5, w 5, c 4], got [n 1, h 5, w 5, c 3]");
  EXPECT_EQ(test::error_of([&] { conv_chain(x.view(), {}, y.view(), ctx); }),
            "conv_chain: expected 1 to 8 convolutions, got 0");
  const std::vector<ConvLink> nine(kMaxConvLinks + 1, links.links().front());
  EXPECT_EQ(test::error_of([&] { conv_chain_row_bytes(x.shape(), nine, kConvChainBytes, ctx); }),
            "conv_chain: expected 1 to 8 convolutions, got 9");
  Context precise({.threads = 1, .precise = true});
  Links fast(16, 1);
  fast.conv(16, 3, kSame).conv(16, 3, {.packing = Conv2dPacking::fast});
  const Tensor wide({1, 8, 8, 16});
  Tensor small({1, 6, 6, 16});
  EXPECT_NE(test::error_of([&] { conv_chain(wide.view(), fast.links(), small.view(), precise); }),
            "nothing thrown");
  links.conv(4, 7, {});
  EXPECT_EQ(test::error_of([&] { conv_chain_output_shape(x.shape(), links.links()); }),
            "conv2d conv1: a side of 5 with padding 0 is smaller than the kernel's extent of 7");
}

}  // namespace
}  // namespace hewn
