#include "hewn/ops/pool2d/pool2d.h"

#include "hewn/ops/pool2d/pool2d_reference.h"
#include "hewn/runtime/error.h"

#include <cmath>
#include <limits>
#include <optional>
#include <vector>

#include "tests/support/compare.h"
#include "tests/support/errors.h"
#include "tests/support/random.h"
#include <gtest/gtest.h>

namespace hewn {
namespace {

using test::Random;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

using Pool = void (*)(ConstView, const Pool2dParams&, View, Context&);

std::string describe(const Nhwc& x, const Pool2dParams& p) {
  return text_of("x ", x, " kernel ", p.kernel_h, "×", p.kernel_w, " stride ", p.stride_h, ",",
                 p.stride_w, " padding ", p.padding_h, ",", p.padding_w, p.ceil_mode ? " ceil" : "",
                 p.count_include_pad ? " include" : " exclude");
}

/// Runs `pool` everywhere, dense and on channel slices, and compares with `expected` and bits with
/// bits.
void check_everywhere(Pool pool, const Tensor& x, const Pool2dParams& params,
                      const std::vector<double>& expected, const std::vector<double>& bound) {
  SCOPED_TRACE(describe(x.shape(), params));
  const Nhwc shape = pool2d_output_shape(x.shape(), params);
  std::optional<std::uint64_t> bits;
  for (Isa isa : test::usable_isas()) {
    for (int threads : {1, 2, 5}) {
      SCOPED_TRACE(text_of("isa ", isa_name(isa), " threads ", threads));
      Context ctx({.threads = threads, .isa = isa});
      test::Sliced sliced_x(x.shape(), &x);
      test::Sliced sliced_y(shape);
      Tensor y(shape);
      pool(x.view(), params, y.view(), ctx);
      EXPECT_TRUE(test::all_within(y.view(), expected, bound));
      pool(sliced_x.view(), params, sliced_y.view(), ctx);
      EXPECT_EQ(test::checksum(y.view()), test::checksum(sliced_y.view())) << "channel slices";
      EXPECT_TRUE(sliced_y.margins_untouched());
      // There is no multiply-add to fuse, so SSE4.2 gives the same bits too.
      if (!bits) bits = test::checksum(y.view());
      EXPECT_EQ(test::checksum(y.view()), *bits) << "bits differ";
    }
  }
}

void check_max(const Tensor& x, const Pool2dParams& params) {
  const auto expected = max_pool2d_reference(x.view(), params);
  check_everywhere(max_pool2d, x, params, expected, std::vector<double>(expected.size(), 0));
}

/// A sum of n terms of magnitude at most 1 is off by at most (n − 1)·n·u, the mean by (n − 1)·u and
/// one rounding of the division (Higham, 2002, section 4.2).
void check_avg(const Tensor& x, const Pool2dParams& params) {
  const auto expected = avg_pool2d_reference(x.view(), params);
  const auto terms = static_cast<double>(params.kernel_h * params.kernel_w);
  check_everywhere(avg_pool2d, x, params, expected,
                   std::vector<double>(expected.size(), terms * test::kUnitRoundoff));
}

TEST(Pool2d, TwoByTwoWithStrideTwoAroundTheWidthOfVectors) {
  Random random(1);
  for (std::int64_t channels : {1, 2, 3, 15, 16, 17, 31, 32, 33, 64}) {
    for (std::int64_t width : {2, 3, 8, 9}) {
      const Tensor x = random.tensor({2, 5, width, channels});
      const Pool2dParams params{.kernel_h = 2, .kernel_w = 2, .stride_h = 2, .stride_w = 2};
      check_max(x, params);
      check_avg(x, params);
    }
  }
}

TEST(Pool2d, SlidingMaximaAroundTheWidthOfVectors) {
  Random random(2);
  for (std::int64_t width : {9, 15, 16, 17, 33, 47, 48}) {
    for (std::int64_t channels : {1, 3}) {
      const Tensor x = random.tensor({2, 11, width, channels});
      check_max(x, {.kernel_h = 9, .kernel_w = 9, .padding_h = 4, .padding_w = 4});
    }
  }
  for (std::int64_t kernel = 1; kernel <= 17; ++kernel) {
    const Tensor x = random.tensor({1, 17, 19, 2});
    check_max(x, {.kernel_h = kernel,
                  .kernel_w = 18 - kernel,
                  .padding_h = kernel / 2,
                  .padding_w = (18 - kernel) / 2});
  }
}

TEST(Pool2d, SlidingMaximaAcrossBlocksOfRows) {
  Random random(3);
  check_max(random.tensor({1, 150, 640, 1}),
            {.kernel_h = 9, .kernel_w = 9, .padding_h = 4, .padding_w = 4});
  check_max(random.tensor({1, 30, 600, 16}),
            {.kernel_h = 3, .kernel_w = 5, .padding_h = 1, .padding_w = 2});
}

TEST(Pool2d, AgreesWithTheReferenceOnAnyGeometry) {
  Random random(4);
  for (int i = 0; i < 150; ++i) {
    Pool2dParams p;
    p.kernel_h = random.integer(1, 6);
    p.kernel_w = random.integer(1, 6);
    p.stride_h = random.integer(1, 5);
    p.stride_w = random.integer(1, 5);
    p.padding_h = random.integer(0, p.kernel_h / 2);
    p.padding_w = random.integer(0, p.kernel_w / 2);
    p.ceil_mode = random.integer(0, 1) == 1;
    p.count_include_pad = random.integer(0, 1) == 1;
    const Nhwc shape{random.integer(1, 2), random.integer(p.kernel_h, 12),
                     random.integer(p.kernel_w, 20), random.integer(1, 20)};
    Tensor x = random.tensor(shape);
    check_avg(x, p);
    for (int salt = 0; salt < 4; ++salt) {
      constexpr float kSalts[] = {kNan, kInfinity, -kInfinity, -0.0F};
      const auto at = static_cast<std::size_t>(random.integer(0, shape.count() - 1));
      x.values()[at] = kSalts[random.integer(0, 3)];
    }
    check_max(x, p);
  }
}

TEST(Pool2d, CeilModeAllowsOneWindowThatHangsOver) {
  Random random(5);
  const Pool2dParams p{
      .kernel_h = 3, .kernel_w = 3, .stride_h = 3, .stride_w = 3, .ceil_mode = true};
  EXPECT_EQ(pool2d_output_shape({1, 1, 2, 1}, p), (Nhwc{1, 1, 1, 1}));
  const Tensor x = random.tensor({1, 1, 2, 1});
  check_max(x, p);
  check_avg(x, p);
}

TEST(Pool2d, OfZerosWithBothSignsTheFirstIsTaken) {
  // Large windows and small ones go by different ways.
  for (std::int64_t kernel : {3, 8}) {
    Tensor x({1, 8, 8, 1});
    fill(x.view(), -0.0F);
    x.values()[3] = 0.0F;
    Context ctx;
    for (std::int64_t stride : {1, 2}) {
      const Pool2dParams p{
          .kernel_h = kernel, .kernel_w = kernel, .stride_h = stride, .stride_w = stride};
      Tensor y(pool2d_output_shape(x.shape(), p));
      max_pool2d(x.view(), p, y.view(), ctx);
      EXPECT_TRUE(std::signbit(y.values()[0]));
    }
  }
}

TEST(Pool2d, AWindowOfNegativeInfinityStaysSo) {
  Tensor x({1, 4, 4, 1});
  fill(x.view(), -kInfinity);
  check_max(x, {.kernel_h = 3, .kernel_w = 3, .padding_h = 1, .padding_w = 1});
  check_max(x, {.kernel_h = 3, .kernel_w = 3, .stride_h = 2, .stride_w = 2});
}

TEST(Pool2d, EmptyBatchesAndNoChannelsGiveEmptyResults) {
  Context ctx;
  for (const Nhwc& shape : {Nhwc{0, 4, 4, 2}, Nhwc{1, 4, 4, 0}}) {
    const Pool2dParams p{.kernel_h = 2, .kernel_w = 2, .stride_h = 2, .stride_w = 2};
    const Tensor x(shape);
    Tensor y(pool2d_output_shape(shape, p));
    EXPECT_NO_THROW(max_pool2d(x.view(), p, y.view(), ctx));
    EXPECT_NO_THROW(avg_pool2d(x.view(), p, y.view(), ctx));
  }
}

TEST(Pool2d, NamesWhatIsWrong) {
  const auto message = [](const Nhwc& x, const Pool2dParams& p) {
    return test::error_of([&] { pool2d_output_shape(x, p); });
  };
  EXPECT_EQ(message({1, 4, 4, 1}, {.kernel_h = 0}),
            "pool2d: kernel_h: expected 1 to 2147483647, got 0");
  EXPECT_EQ(message({1, 4, 4, 1}, {.stride_w = -1}),
            "pool2d: stride_w: expected 1 to 2147483647, got -1");
  EXPECT_EQ(message({1, 4, 4, 1}, {.kernel_w = 3, .padding_w = 2}),
            "pool2d: padding_w: expected 0 to 1 (half of kernel_w 3), got 2");
  EXPECT_EQ(message({1, 2, 4, 1}, {.kernel_h = 3}),
            "pool2d: a side h of 2 with padding 0 is smaller than the kernel of 3");
  EXPECT_EQ(message({1, 0, 4, 1}, {}), "pool2d: h: expected at least 1, got 0");

  const Tensor x({1, 4, 4, 1});
  Tensor y({1, 4, 3, 1});
  Context ctx;
  EXPECT_THROW(max_pool2d(x.view(), {}, y.view(), ctx), Error);
  EXPECT_THROW(avg_pool2d(x.view(), {}, y.view(), ctx), Error);
}

}  // namespace
}  // namespace hewn
