// conv2d() where it runs by Winograd.
#include "hewn/ops/conv2d/conv2d.h"
#include "hewn/ops/conv2d/conv2d_reference.h"
#include "hewn/runtime/error.h"

#include <array>
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

using Matrix = std::vector<std::vector<double>>;

/// |Bᵀ|, |G| and |Aᵀ| of F(outputs, taps) along one axis, worked out from the definition and not
/// from the kernels.
struct Axis {
  std::size_t outputs, taps;
  Matrix input, weight, output;  // a row for each point; of |Aᵀ| the transpose

  Axis(std::size_t outputs, std::size_t taps, const std::vector<double>& pairs)
      : outputs(outputs), taps(taps) {
    if (taps == 1) {
      input = weight = output = {{1}};
      return;
    }
    std::vector<double> points{0};
    for (const double p : pairs) points.insert(points.end(), {p, -p});
    const std::size_t count = outputs + taps - 1;  // ∞, where there is one more than finite ones
    for (std::size_t i = 0; i < count; ++i) {
      const bool infinite = i == points.size();
      std::vector<double> polynomial{1};  // lowest coefficient first
      double divisor = 1;
      for (std::size_t j = 0; j < points.size(); ++j) {
        if (j == i) continue;
        std::vector<double> next(polynomial.size() + 1);
        for (std::size_t k = 0; k < polynomial.size(); ++k) {
          next[k] -= points[j] * polynomial[k];
          next[k + 1] += polynomial[k];
        }
        polynomial = next;
        if (!infinite) divisor *= points[i] - points[j];
      }
      polynomial.resize(count);
      for (double& value : polynomial) value = std::abs(value);
      input.push_back(polynomial);
      const auto power = [&](std::size_t k, std::size_t powers) {
        if (infinite) return k + 1 == powers ? 1.0 : 0.0;
        return std::abs(std::pow(points[i], static_cast<double>(k)));
      };
      weight.emplace_back();
      for (std::size_t k = 0; k < taps; ++k) {
        weight.back().push_back(power(k, taps) / std::abs(divisor));
      }
      output.emplace_back();
      for (std::size_t k = 0; k < outputs; ++k) output.back().push_back(power(k, outputs));
    }
  }

  std::size_t points() const { return input.size(); }
};

struct Algorithm {
  Conv2dAlgorithm name;
  Axis h, w;
  std::size_t stride = 1;

  std::size_t kernel_h() const { return stride * (h.taps - 1) + 1; }
  std::size_t kernel_w() const { return stride * (w.taps - 1) + 1; }
};

/// With the points that winograd_points.h states.
const std::vector<Algorithm>& algorithms() {
  static const Axis none(1, 1, {});
  static const Axis f4_3(4, 3, {0.625, 1.5});
  static const Axis f2_3(2, 3, {1});
  static const Axis f4_2(4, 2, {0.625, 1.5});
  static const Axis f4_5(4, 5, {0.5, 1, 2});
  static const std::vector<Algorithm> all{{Conv2dAlgorithm::winograd_4x4_3x3, f4_3, f4_3},
                                          {Conv2dAlgorithm::winograd_2x2_3x3, f2_3, f2_3},
                                          {Conv2dAlgorithm::winograd_3x3s2, f4_2, f4_2, 2},
                                          {Conv2dAlgorithm::winograd_1x4_1x5, none, f4_5},
                                          {Conv2dAlgorithm::winograd_4x1_5x1, f4_5, none}};
  return all;
}

/// Σ_ij left[i] · m[i][j] · right[j].
template <typename At>
double bilinear(const std::vector<double>& left, const std::vector<double>& right, const At& at) {
  double sum = 0;
  for (std::size_t i = 0; i < left.size(); ++i) {
    for (std::size_t j = 0; j < right.size(); ++j) sum += left[i] * right[j] * at(i, j);
  }
  return sum;
}

/// Every operation of the algorithm rounds once, so its error is at most (the number of roundings
/// on any path from input to output) × u × (the same algorithm on absolute values): Higham (2002),
/// section 3.5. The path: depth products and sums, 1 rounding of the weight, at most as many as
/// there are points in each transform along each axis, and 4 in the epilogue.
std::vector<double> error_bound(const Algorithm& f, ConstView x, const Conv2dParams& p,
                                const Conv2dWeights& w, const Nhwc& y) {
  const std::int64_t depth = w.shape[1];
  const std::size_t products = f.h.points() * f.w.points();
  const auto stride = static_cast<std::int64_t>(f.stride);
  // With a stride the input falls into parts (winograd.h), which are like so many more channels.
  const std::size_t parts = f.stride * f.stride;
  const auto sums = static_cast<std::size_t>(depth) * parts;
  const double path =
      static_cast<double>(sums) + 1 + 2.0 * static_cast<double>(f.h.points() + f.w.points()) + 4;
  const auto input_at = [&](std::int64_t n, std::int64_t iy, std::int64_t ix, std::int64_t c) {
    const bool inside = iy >= 0 && iy < x.shape.h && ix >= 0 && ix < x.shape.w;
    return inside ? std::abs(static_cast<double>(x.pixel(n, iy, ix)[c])) : 0.0;
  };
  const auto weight_at = [&](std::size_t filter, std::size_t part, std::size_t a, std::size_t b) {
    const std::size_t row = f.stride * a;
    const std::size_t column = f.stride * b;
    if (row < part / f.stride || column < part % f.stride) return 0.0;
    const std::size_t tap = (row - part / f.stride) * f.kernel_w() + column - part % f.stride;
    return std::abs(static_cast<double>(w.weight[filter * f.kernel_h() * f.kernel_w() + tap]));
  };
  // [filter][part][product]
  std::vector<double> weights(static_cast<std::size_t>(w.shape[0]) * sums * products);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const std::size_t part = i / products % parts;
    weights[i] = bilinear(
        f.h.weight[i % products / f.w.points()], f.w.weight[i % f.w.points()],
        [&](std::size_t a, std::size_t b) { return weight_at(i / products / parts, part, a, b); });
  }
  std::vector<double> bound;
  const auto outputs_h = static_cast<std::int64_t>(f.h.outputs);
  const auto outputs_w = static_cast<std::int64_t>(f.w.outputs);
  for (std::int64_t n = 0; n < y.n; ++n) {
    for (std::int64_t oy = 0; oy < y.h; ++oy) {
      for (std::int64_t ox = 0; ox < y.w; ++ox) {
        // The tile that this output belongs to, and its place in it.
        const std::int64_t in_tile_y = oy / p.dilation_h % outputs_h;
        const std::int64_t in_tile_x = ox / p.dilation_w % outputs_w;
        const std::int64_t y0 = (oy - in_tile_y * p.dilation_h) * stride - p.padding_h;
        const std::int64_t x0 = (ox - in_tile_x * p.dilation_w) * stride - p.padding_w;
        std::vector<double> transformed(sums * products);
        for (std::size_t i = 0; i < transformed.size(); ++i) {
          const auto c = static_cast<std::int64_t>(i / products / parts);
          const auto part = static_cast<std::int64_t>(i / products % parts);
          transformed[i] = bilinear(
              f.h.input[i % products / f.w.points()], f.w.input[i % f.w.points()],
              [&](std::size_t a, std::size_t b) {
                return input_at(
                    n, y0 - part / stride + static_cast<std::int64_t>(a) * p.dilation_h * stride,
                    x0 - part % stride + static_cast<std::int64_t>(b) * p.dilation_w * stride, c);
              });
        }
        for (std::int64_t out = 0; out < y.c; ++out) {
          double sum = 0;
          for (std::size_t i = 0; i < transformed.size(); ++i) {
            sum += f.h.output[i % products / f.w.points()][static_cast<std::size_t>(in_tile_y)] *
                   f.w.output[i % f.w.points()][static_cast<std::size_t>(in_tile_x)] *
                   transformed[i] * weights[static_cast<std::size_t>(out) * sums * products + i];
          }
          bound.push_back((sum + 3) * path * test::kUnitRoundoff);  // 3: bias and addends
        }
      }
    }
  }
  return bound;
}

struct Case {
  Nhwc x;
  std::int64_t out;
  Conv2dParams params;
  bool addends = false;
};

void check(const Algorithm& algorithm, Case c, std::uint64_t seed) {
  SCOPED_TRACE(text_of(conv2d_algorithm_name(algorithm.name), " x ", c.x, " out ", c.out,
                       " padding ", c.params.padding_h, ",", c.params.padding_w, " dilation ",
                       c.params.dilation_h, ",", c.params.dilation_w, " seed ", seed));
  Random random(seed);
  const Tensor x = random.tensor(c.x);
  const Shape shape{c.out, c.x.c, static_cast<std::int64_t>(algorithm.kernel_h()),
                    static_cast<std::int64_t>(algorithm.kernel_w())};
  c.params.stride_h = c.params.stride_w = static_cast<std::int64_t>(algorithm.stride);
  const auto weight = random.values(shape.count());
  const auto bias = random.values(c.out);
  const Conv2dWeights weights{.shape = shape, .weight = weight, .bias = bias};
  c.params.algorithm = algorithm.name;
  const PackedConv2d conv("test", c.params, weights);
  const Nhwc y_shape = conv.output_shape(c.x);
  test::RandomAddends addends;
  if (c.addends) addends = {y_shape, random};
  const auto expected = conv2d_reference(x.view(), c.params, weights, y_shape, addends.views());
  const auto bound = error_bound(algorithm, x.view(), c.params, weights, y_shape);
  std::optional<std::uint64_t> bits;
  for (Isa isa : test::usable_isas()) {
    for (int threads : {1, 2, 5}) {
      SCOPED_TRACE(text_of("isa ", isa_name(isa), " threads ", threads));
      // Small and large blocks: the bits do not depend on L2 either.
      Context ctx({.threads = threads, .isa = isa, .l2_bytes = threads == 1 ? 1 : 8 << 20});
      test::Sliced sliced_x(c.x, &x);
      test::Sliced y(y_shape);
      conv2d(sliced_x.view(), addends.views(), conv, y.view(), ctx);
      EXPECT_TRUE(test::all_within(y.view(), expected, bound));
      EXPECT_TRUE(y.margins_untouched());
      if (!isa_info(isa).fused) continue;
      if (!bits) bits = test::checksum(y.view());
      EXPECT_EQ(test::checksum(y.view()), *bits) << "bits differ";
    }
  }
}

TEST(Winograd, AgreesWithTheReferenceAroundTheEdgesOfTiles) {
  std::uint64_t seed = 1;
  for (const Algorithm& algorithm : algorithms()) {
    for (std::int64_t side : {1, 2, 3, 4, 5, 7, 8, 9}) {
      for (std::int64_t out : {1, 17, 33}) {
        check(algorithm,
              {.x = {1, side, 10 - side, 16},
               .out = out,
               .params = {.padding_h = static_cast<std::int64_t>(algorithm.kernel_h() / 2),
                          .padding_w = static_cast<std::int64_t>(algorithm.kernel_w() / 2),
                          .activation = Activation::relu()}},
              seed++);
      }
    }
  }
}

TEST(Winograd, AgreesWithTheReferenceOnAnyGeometry) {
  Random random(7);
  for (const Algorithm& algorithm : algorithms()) {
    for (std::uint64_t seed = 100; seed < 130; ++seed) {
      Case c{.x = {random.integer(1, 2), random.integer(1, 14), random.integer(1, 14),
                   random.integer(1, 35)},
             .out = random.integer(1, 40),
             .params = {}};
      if (algorithm.stride == 1) {
        c.params.dilation_h = random.integer(1, 4);
        c.params.dilation_w = random.integer(1, 4);
      }
      c.params.padding_h = random.integer(0, 5);
      c.params.padding_w = random.integer(0, 5);
      c.addends = random.integer(0, 3) > 0;
      const auto fits = [](std::int64_t size, std::int64_t padding, std::int64_t dilation,
                           std::size_t taps) {
        return size + 2 * padding > dilation * static_cast<std::int64_t>(taps - 1);
      };
      if (fits(c.x.h, c.params.padding_h, c.params.dilation_h, algorithm.kernel_h()) &&
          fits(c.x.w, c.params.padding_w, c.params.dilation_w, algorithm.kernel_w())) {
        check(algorithm, c, seed);
      }
    }
  }
}

TEST(Winograd, IsChosenByTheShapeOfTheWeights) {
  const auto chosen = [](const Shape& shape, const Conv2dParams& params) {
    const std::vector<float> weight(static_cast<std::size_t>(shape.count()));
    return PackedConv2d("test", params, {.shape = shape, .weight = weight}).algorithm();
  };
  EXPECT_EQ(chosen({16, 16, 3, 3}, {}), Conv2dAlgorithm::winograd_4x4_3x3);
  EXPECT_EQ(chosen({16, 16, 3, 3}, {.dilation_h = 4, .dilation_w = 2}),
            Conv2dAlgorithm::winograd_4x4_3x3);
  EXPECT_EQ(chosen({16, 16, 1, 5}, {}), Conv2dAlgorithm::winograd_1x4_1x5);
  EXPECT_EQ(chosen({16, 16, 5, 1}, {}), Conv2dAlgorithm::winograd_4x1_5x1);
  EXPECT_EQ(chosen({2, 16, 3, 3}, {}), Conv2dAlgorithm::winograd_4x4_3x3);
  EXPECT_EQ(chosen({16, 15, 3, 3}, {}), Conv2dAlgorithm::direct);
  EXPECT_EQ(chosen({16, 16, 3, 3}, {.stride_h = 2, .stride_w = 2}),
            Conv2dAlgorithm::winograd_3x3s2);
  EXPECT_EQ(chosen({16, 16, 3, 3}, {.stride_h = 2, .stride_w = 2, .dilation_h = 2}),
            Conv2dAlgorithm::direct);
  EXPECT_EQ(chosen({16, 16, 3, 3}, {.stride_w = 2}), Conv2dAlgorithm::direct);
  EXPECT_EQ(chosen({32, 16, 3, 3}, {.groups = 2}), Conv2dAlgorithm::direct);
  EXPECT_EQ(chosen({16, 16, 5, 5}, {}), Conv2dAlgorithm::direct);
  EXPECT_EQ(chosen({16, 16, 3, 3}, {.algorithm = Conv2dAlgorithm::direct}),
            Conv2dAlgorithm::direct);
}

TEST(Winograd, RefusesWhatItCannotCompute) {
  const std::vector<float> weight(16 * 16 * 9);
  EXPECT_EQ(
      test::error_of([&] {
        PackedConv2d("conv1a", {.stride_h = 2, .algorithm = Conv2dAlgorithm::winograd_2x2_3x3},
                     {.shape = {16, 16, 3, 3}, .weight = weight});
      }),
      "conv2d conv1a: winograd_2x2_3x3 cannot compute a convolution with weights of 16×16×3×3, "
      "stride 2×1 and 1 groups");
}

/// The distance to the double result, relative to its norm.
double relative_error(ConstView y, const std::vector<double>& expected) {
  double error = 0;
  double norm = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double difference = static_cast<double>(y.data[i]) - expected[i];
    error += difference * difference;
    norm += expected[i] * expected[i];
  }
  return std::sqrt(error / norm);
}

// The price of the algorithm, as README.md states it: on rectified inputs and weights of zero mean,
// as layers of the networks see them, its error stays below six times that of the direct sum.
TEST(Winograd, ErrorStaysWithinSixTimesThatOfTheDirectSum) {
  for (const Algorithm& algorithm : algorithms()) {
    for (std::int64_t channels : {64, 128, 256}) {
      Random random(static_cast<std::uint64_t>(channels));
      Tensor x = random.tensor({1, 20, 20, channels});
      for (float& value : x.values()) value = std::max(value, 0.0F);
      const Shape shape{32, channels, static_cast<std::int64_t>(algorithm.kernel_h()),
                        static_cast<std::int64_t>(algorithm.kernel_w())};
      const auto weight = random.values(shape.count());
      const Conv2dWeights weights{.shape = shape, .weight = weight};
      const auto stride = static_cast<std::int64_t>(algorithm.stride);
      const Conv2dParams params{.stride_h = stride,
                                .stride_w = stride,
                                .padding_h = 1,
                                .padding_w = 1,
                                .algorithm = algorithm.name};
      const PackedConv2d conv("test", params, weights);
      const Nhwc y_shape = conv.output_shape(x.shape());
      const auto expected = conv2d_reference(x.view(), params, weights, y_shape);
      Tensor y(y_shape);
      Context fast({.threads = 1});
      conv2d(x.view(), conv, y.view(), fast);
      const double winograd = relative_error(y.view(), expected);
      Context precise({.threads = 1, .precise = true});
      conv2d(x.view(), conv, y.view(), precise);
      const double direct = relative_error(y.view(), expected);
      EXPECT_LT(winograd, 6 * direct) << conv2d_algorithm_name(algorithm.name);
      EXPECT_NE(winograd, direct) << "both ran the same algorithm";
      RecordProperty(text_of(conv2d_algorithm_name(algorithm.name), "_", channels),
                     std::to_string(winograd / direct));
    }
  }
}

}  // namespace
}  // namespace hewn
