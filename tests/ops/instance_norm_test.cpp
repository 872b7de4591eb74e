#include "hewn/ops/instance_norm/instance_norm.h"

#include "hewn/ops/instance_norm/instance_norm_reference.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "tests/ops/every_way.h"
#include "tests/ops/random_addends.h"
#include "tests/support/errors.h"
#include <gtest/gtest.h>

namespace hewn {
namespace {

/// With chains of n = min(128, pixels) additions, what is left of the deviations corrects the mean
/// of a chunk to (n + 2)·u·max|x − mean| and its own rounding; rounding the mean of all adds as
/// much again. The sum of the squared deviations is off by a factor of 1 ± (n + 4)·u, of which the
/// root keeps half; the subtraction, the product and the addends round once each. Activations here
/// have a slope of at most 1 and errors below 4 ulp.
std::vector<double> error_bound(const Tensor& x, const InstanceNormParams& params,
                                const test::RandomAddends& addends) {
  const Nhwc& s = x.shape();
  const auto terms = static_cast<double>(std::min<std::int64_t>(128, s.h * s.w));
  InstanceNormParams linear = params;
  linear.activation = {};
  const auto normal = instance_norm_reference(x.view(), linear);
  const auto sums = instance_norm_reference(x.view(), linear, addends.views());
  double largest = 0;
  for (const float value : x.values())
    largest = std::max(largest, std::abs(static_cast<double>(value)));
  std::vector<double> bound(normal.size());
  for (std::int64_t n = 0; n < s.n; ++n) {
    for (std::int64_t c = 0; c < s.c; ++c) {
      double mean = 0;
      double squares = 0;
      const auto pixels = static_cast<double>(s.h * s.w);
      for (std::int64_t p = 0; p < s.h * s.w; ++p) {
        const auto value = static_cast<double>(x.view().pixel(n, 0, 0)[p * s.c + c]);
        mean += value / pixels;
        squares += value * value / pixels;
      }
      const double variance = std::max(squares - mean * mean, 0.0);
      double spread = 0;
      for (std::int64_t p = 0; p < s.h * s.w; ++p) {
        const auto value = static_cast<double>(x.view().pixel(n, 0, 0)[p * s.c + c]);
        spread = std::max(spread, std::abs(value - mean));
      }
      const double factor = 1 / std::sqrt(variance + static_cast<double>(params.eps));
      for (std::int64_t p = 0; p < s.h * s.w; ++p) {
        const auto i = static_cast<std::size_t>((n * s.h * s.w + p) * s.c + c);
        bound[i] =
            test::kUnitRoundoff * (((terms + 3) / 2 + 4) * std::abs(normal[i]) +
                                   (terms + 2) * largest * factor + 6 * std::abs(sums[i]) + 8);
      }
    }
  }
  return bound;
}

void check(const Nhwc& shape, const InstanceNormParams& params, bool with_addends,
           std::uint64_t seed, float low = -1, float high = 1) {
  SCOPED_TRACE(text_of("x ", shape, " eps ", params.eps, " seed ", seed));
  test::Random random(seed);
  const Tensor x = random.tensor(shape, low, high);
  test::RandomAddends addends;
  if (with_addends) addends = {shape, random};
  const auto expected = instance_norm_reference(x.view(), params, addends.views());
  test::check_every_way(x, shape, expected, error_bound(x, params, addends), test::InPlace::allowed,
                        [&](ConstView from, View to, Context& ctx) {
                          instance_norm(from, addends.views(), params, to, ctx);
                        });
}

TEST(InstanceNorm, AgreesWithTheReference) {
  std::uint64_t seed = 1;
  for (const std::int64_t channels : test::kEdgeSizes) {
    check({2, 3, 5, channels}, {}, false, seed++);
    check({1, 1, 2, channels}, {.eps = 0.5F, .activation = Activation::relu()}, true, seed++);
  }
  for (const std::int64_t pixels : {127, 128, 129, 256, 257, 3000}) {
    check({1, 1, pixels, 35}, {}, true, seed++);
    check({2, pixels, 1, 64}, {.activation = {.kind = Activation::Kind::tanh}}, true, seed++);
  }
  check({0, 4, 4, 8}, {}, false, seed++);
}

TEST(InstanceNorm, KeepsSmallVariationOnALargeMean) {
  check({1, 30, 40, 17}, {}, false, 5, 99, 101);
}

TEST(InstanceNorm, OfOnePixelOrOneShadeIsZero) {
  for (const Nhwc& shape : {Nhwc{2, 1, 1, 3}, Nhwc{1, 20, 20, 3}}) {
    Tensor x(shape);
    fill(x.view(), 0.1F);
    Tensor y(shape);
    Context ctx({.threads = 1});
    instance_norm(x.view(), {}, y.view(), ctx);
    // The mean of equal values may be off by two roundings, and is divided by √eps = 1 / 316.
    for (const float value : y.values()) EXPECT_LE(std::abs(value), 316 * 0.1F * 2 * 6e-8F);
  }
}

TEST(InstanceNorm, NanStaysInItsChannel) {
  test::Random random(3);
  Tensor x = random.tensor({1, 4, 4, 20});
  x.view().pixel(0, 1, 2)[17] = std::numeric_limits<float>::quiet_NaN();
  Context ctx({.threads = 1});
  Tensor y(x.shape());
  instance_norm(x.view(), {}, y.view(), ctx);
  for (std::int64_t p = 0; p < 16; ++p) {
    for (std::int64_t c = 0; c < 20; ++c) {
      EXPECT_EQ(std::isnan(y.view().data[p * 20 + c]), c == 17) << p << ", " << c;
    }
  }
}

TEST(InstanceNorm, AnAddendMayBeTheOutput) {
  test::Random random(4);
  const Tensor x = random.tensor({1, 5, 7, 33});
  const Tensor addend = random.tensor(x.shape());
  Context ctx({.threads = 2});
  Tensor apart(x.shape());
  const InstanceNormParams params{.activation = Activation::relu()};
  instance_norm(x.view(), {.after = addend.view()}, params, apart.view(), ctx);
  Tensor y = Tensor::copy_of(addend.view());
  instance_norm(x.view(), {.after = y.view()}, params, y.view(), ctx);
  EXPECT_EQ(test::checksum(y.view()), test::checksum(apart.view()));
}

TEST(InstanceNorm, NamesWhatIsWrong) {
  Context ctx({.threads = 1});
  const Tensor x({1, 2, 2, 3});
  Tensor y({1, 2, 2, 3});
  Tensor wide({1, 2, 2, 4});
  EXPECT_EQ(test::error_of([&] { instance_norm(x.view(), {}, wide.view(), ctx); }),
            text_of("instance_norm: expected an output of ", x.shape(), ", got ", wide.shape()));
  EXPECT_EQ(
      test::error_of([&] { instance_norm(x.view(), {.after = wide.view()}, {}, y.view(), ctx); }),
      text_of("instance_norm: expected an addend of ", x.shape(), ", got ", wide.shape()));
  EXPECT_EQ(test::error_of([&] { instance_norm(x.view(), {.eps = -1}, y.view(), ctx); }),
            "instance_norm: eps: expected at least 0, got -1");
}

}  // namespace
}  // namespace hewn
