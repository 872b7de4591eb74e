#include "hewn/ops/resize/resize.h"

#include "hewn/ops/resize/resize_reference.h"
#include "hewn/runtime/error.h"

#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "tests/ops/every_way.h"
#include "tests/support/errors.h"
#include "tests/support/random.h"
#include <gtest/gtest.h>

namespace hewn {
namespace {

using Mode = ResizeParams::Mode;
using test::Random;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

/// For |x| ≤ 1. A position is off by at most 4 roundings of numbers up to side + 1, and the result
/// by that times the slope along the axis: the sum of the absolute derivatives of the weights (2
/// for the tent, 4.2 for the cubic with a = −0.75) times the sum of absolute weights along the
/// other axis (1 and 1.375). What follows the position are at most 16 roundings an axis of weights,
/// products and sums, none of them above 2.
double error_bound(Mode mode, const Nhwc& x) {
  if (mode == Mode::nearest) return 0;
  const double slope = mode == Mode::bilinear ? 2 : 4.2 * 1.375;
  const double positions = 4 * test::kUnitRoundoff * static_cast<double>(x.h + x.w + 2);
  return slope * positions + 2 * 16 * 2 * test::kUnitRoundoff;
}

void check(const Tensor& x, const ResizeParams& params, const Nhwc& shape) {
  SCOPED_TRACE(text_of("x ", x.shape(), " y ", shape, " mode ", static_cast<int>(params.mode),
                       params.align_corners ? " aligned" : "", " scale ",
                       params.scale_h.value_or(0), ",", params.scale_w.value_or(0)));
  const auto expected = resize_reference(x.view(), params, shape.h, shape.w);
  const std::vector<double> bound(expected.size(), error_bound(params.mode, x.shape()));
  test::check_every_way(
      x, shape, expected, bound, test::InPlace::forbidden,
      [&](ConstView from, View to, Context& ctx) { resize(from, params, to, ctx); });
}

TEST(Resize, AgreesWithTheReferenceAroundTheWidthOfVectors) {
  Random random(1);
  for (const Mode mode : {Mode::nearest, Mode::bilinear, Mode::bicubic}) {
    for (std::int64_t channels : {1, 2, 3, 15, 16, 17, 31, 32, 33}) {
      const Tensor x = random.tensor({2, 4, 5, channels});
      for (std::int64_t width : {1, 15, 16, 17}) {
        check(x, {.mode = mode}, {2, 7, width, channels});
        check(x, {.mode = mode, .align_corners = true}, {2, 3, width, channels});
      }
    }
  }
}

TEST(Resize, AgreesWithTheReferenceOnAnyGeometry) {
  Random random(2);
  for (int i = 0; i < 120; ++i) {
    ResizeParams params;
    constexpr Mode kModes[] = {Mode::nearest, Mode::bilinear, Mode::bicubic};
    params.mode = kModes[random.integer(0, 2)];
    params.align_corners = random.integer(0, 1) == 1;
    const Nhwc in{random.integer(1, 2), random.integer(1, 20), random.integer(1, 20),
                  random.integer(1, 20)};
    Nhwc out{in.n, random.integer(1, 40), random.integer(1, 40), in.c};
    if (random.integer(0, 1) == 1) {
      params.scale_h = std::max<double>(random.uniform(0.3F, 3), 1 / static_cast<double>(in.h));
      params.scale_w = std::max<double>(random.uniform(0.3F, 3), 1 / static_cast<double>(in.w));
      out = resize_output_shape(in, params);
    }
    check(random.tensor(in), params, out);
  }
}

TEST(Resize, EightfoldAsForDenseDescriptors) {
  Random random(3);
  const Tensor x = random.tensor({1, 3, 4, 65});
  check(x, {.mode = Mode::bicubic, .scale_h = 8, .scale_w = 8}, {1, 24, 32, 65});
}

/// One row of the numbers 1 … count.
Tensor ramp(std::int64_t count) {
  Tensor x({1, 1, count, 1});
  std::iota(x.values().begin(), x.values().end(), 1.0F);
  return x;
}

std::vector<float> resized_row(const Tensor& x, const ResizeParams& params, std::int64_t width) {
  Tensor y({1, 1, width, 1});
  Context ctx;
  resize(x.view(), params, y.view(), ctx);
  return {y.values().begin(), y.values().end()};
}

void expect_near(const std::vector<float>& got, const std::vector<float>& expected) {
  ASSERT_EQ(got.size(), expected.size());
  // The expected values are printed to six decimals.
  for (std::size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], expected[i], 1e-6F) << i;
}

// What torch.nn.functional.interpolate (2.13, CPU) prints.
TEST(Resize, TakesThePixelsThatPyTorchTakes) {
  const Tensor x = ramp(6);
  using Row = std::vector<float>;
  const ResizeParams nearest{.mode = Mode::nearest};
  EXPECT_EQ(resized_row(x, nearest, 4), (Row{1, 2, 4, 5}));
  EXPECT_EQ(resized_row(x, nearest, 11), (Row{1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6}));
  // Twice the side is exactly twice, whatever the scale.
  const ResizeParams twice{.mode = Mode::nearest, .scale_w = 2.1};
  EXPECT_EQ(resized_row(x, twice, 12), (Row{1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6}));
  // 41 × (2 / 82) is 1, but not in float32.
  EXPECT_EQ(resized_row(ramp(2), nearest, 82)[41], 1);
}

TEST(Resize, InterpolatesAsPyTorchDoes) {
  const Tensor x = ramp(6);
  const ResizeParams bilinear{.mode = Mode::bilinear};
  expect_near(resized_row(x, bilinear, 4), {1.25F, 2.75F, 4.25F, 5.75F});
  expect_near(resized_row(x, {.mode = Mode::bilinear, .align_corners = true}, 4),
              {1, 2.666667F, 4.333333F, 6});
  // Equal sides: bilinear leaves the axis alone, bicubic does not.
  expect_near(resized_row(x, {.mode = Mode::bilinear, .scale_w = 1.1}, 6), {1, 2, 3, 4, 5, 6});
  expect_near(resized_row(x, {.mode = Mode::bicubic, .scale_w = 1.1}, 6),
              {0.968938F, 1.808768F, 2.724831F, 3.642375F, 4.568933F, 5.59375F});
  // The scale decides and not the ratio of the sides, 8 / 6.
  expect_near(resized_row(x, {.mode = Mode::bilinear, .scale_w = 1.4}, 8),
              {1, 1.571429F, 2.285714F, 3, 3.714286F, 4.428572F, 5.142857F, 5.857143F});
  expect_near(resized_row(x, {.mode = Mode::bicubic}, 4),
              {1.191406F, 2.703125F, 4.296875F, 5.808594F});
  EXPECT_EQ(resized_row(x, {.mode = Mode::bicubic, .align_corners = true}, 1),
            std::vector<float>{1});
}

TEST(Resize, NanStaysWhereItIsTaken) {
  Tensor x = ramp(4);
  x.values()[1] = kNan;
  const auto nearest = resized_row(x, {.mode = Mode::nearest}, 8);
  for (std::size_t i = 0; i < 8; ++i) EXPECT_EQ(std::isnan(nearest[i]), i / 2 == 1) << i;
  const auto bilinear = resized_row(x, {.mode = Mode::bilinear}, 8);
  for (std::size_t i = 0; i < 8; ++i) EXPECT_EQ(std::isnan(bilinear[i]), i < 5) << i;
}

TEST(Resize, EmptyBatchesAndNoChannelsGiveEmptyResults) {
  Context ctx;
  for (const Nhwc& shape : {Nhwc{0, 4, 4, 2}, Nhwc{1, 4, 4, 0}}) {
    const Tensor x(shape);
    Tensor y({shape.n, 8, 3, shape.c});
    EXPECT_NO_THROW(resize(x.view(), {}, y.view(), ctx));
  }
}

TEST(Resize, NamesWhatIsWrong) {
  const auto message = [](const Nhwc& in, const Nhwc& out, const ResizeParams& params) {
    return test::error_of([&] {
      const Tensor x(in);
      Tensor y(out);
      Context ctx;
      resize(x.view(), params, y.view(), ctx);
    });
  };
  EXPECT_EQ(message({1, 4, 4, 2}, {1, 8, 8, 3}, {}),
            "resize: expected an output of n 1, c 2, got [n 1, h 8, w 8, c 3]");
  EXPECT_EQ(message({1, 0, 4, 2}, {1, 8, 8, 2}, {}),
            "resize: h: expected sides of at least 1, got 0 to 8");
  EXPECT_EQ(message({1, 4, 4, 2}, {1, 8, 8, 2}, {.scale_w = 1.5}),
            "resize: w: expected an output of 6 (4 × scale 1.5), got 8");
  EXPECT_EQ(message({1, 4, 4, 2}, {1, 8, 8, 2}, {.scale_h = -1.0}),
            "resize: scale_h: expected a positive number, got -1");
  EXPECT_THROW(resize_output_shape({1, 4, 4, 2}, {.scale_h = std::nan("")}), Error);
  EXPECT_THROW(resize_output_shape({1, 4, 4, 2}, {.scale_h = 0.2}), Error);
  EXPECT_THROW(resize_output_shape({1, 4, 4, 2}, {.scale_w = 1e300}), Error);
}

}  // namespace
}  // namespace hewn
