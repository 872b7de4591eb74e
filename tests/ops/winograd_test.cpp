// conv2d() where it runs by Winograd.
#include "hewn/ops/conv2d/conv2d.h"
#include "hewn/ops/conv2d/conv2d_reference.h"
#include "hewn/runtime/error.h"

#include <array>
#include <cmath>
#include <optional>
#include <vector>

#include "tests/support/compare.h"
#include "tests/support/random.h"
#include <gtest/gtest.h>

namespace hewn {
namespace {

using test::Random;

constexpr std::size_t kPoints = 6;
constexpr std::size_t kOutputs = 4;
constexpr std::size_t kTaps = 3;
using Matrix = std::vector<std::vector<double>>;

/// |Bᵀ|, |G| and |Aᵀ| of F(4, 3) at 0, ±5/8, ±3/2, ∞, worked out from the definition and not from
/// the kernels.
struct AbsoluteMatrices {
  Matrix input, weight, output;

  AbsoluteMatrices() {
    const std::vector<double> points{0, 0.625, -0.625, 1.5, -1.5};
    for (std::size_t i = 0; i <= points.size(); ++i) {
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
      polynomial.resize(kPoints);
      for (double& value : polynomial) value = std::abs(value);
      input.push_back(polynomial);
      std::vector<double> taps(kTaps);
      std::vector<double> outputs(kOutputs);
      for (std::size_t k = 0; k < kTaps; ++k) {
        taps[k] = infinite ? (k + 1 == kTaps ? 1.0 : 0.0)
                           : std::abs(std::pow(points[i], static_cast<double>(k)) / divisor);
      }
      for (std::size_t k = 0; k < kOutputs; ++k) {
        outputs[k] = infinite ? (k + 1 == kOutputs ? 1.0 : 0.0)
                              : std::abs(std::pow(points[i], static_cast<double>(k)));
      }
      weight.push_back(taps);
      output.push_back(outputs);
    }
  }
};

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
/// section 3.5. The path: depth products and sums, 1 rounding of the weight, and at most 4 + 4 in
/// each transform along each axis, 4 in the epilogue.
std::vector<double> error_bound(ConstView x, const Conv2dParams& p, const Conv2dWeights& w,
                                const Nhwc& y) {
  const AbsoluteMatrices f;
  const std::int64_t depth = w.shape[1];
  const double path = static_cast<double>(depth) + 1 + 2 * (4 + 4) + 4;
  std::vector<double> bound;
  const auto input_at = [&](std::int64_t n, std::int64_t iy, std::int64_t ix, std::int64_t c) {
    const bool inside = iy >= 0 && iy < x.shape.h && ix >= 0 && ix < x.shape.w;
    return inside ? std::abs(static_cast<double>(x.pixel(n, iy, ix)[c])) : 0.0;
  };
  // Weights and inputs are at most 1 in these tests; |Bᵀ|·1·|B| etc. would be simpler but far
  // looser than this sum.
  std::vector<double> weights(static_cast<std::size_t>(w.shape[0] * depth) * kPoints * kPoints);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const std::size_t kernel = i / (kPoints * kPoints) * kTaps * kTaps;
    weights[i] = bilinear(f.weight[i / kPoints % kPoints], f.weight[i % kPoints],
                          [&](std::size_t a, std::size_t b) {
                            return std::abs(static_cast<double>(w.weight[kernel + a * kTaps + b]));
                          });
  }
  for (std::int64_t n = 0; n < y.n; ++n) {
    for (std::int64_t oy = 0; oy < y.h; ++oy) {
      for (std::int64_t ox = 0; ox < y.w; ++ox) {
        // The tile that this output belongs to, and its place in it.
        const std::int64_t in_tile_y = oy / p.dilation_h % 4;
        const std::int64_t in_tile_x = ox / p.dilation_w % 4;
        const std::int64_t y0 = oy - in_tile_y * p.dilation_h - p.padding_h;
        const std::int64_t x0 = ox - in_tile_x * p.dilation_w - p.padding_w;
        std::vector<double> transformed(static_cast<std::size_t>(depth) * kPoints * kPoints);
        for (std::size_t i = 0; i < transformed.size(); ++i) {
          const auto c = static_cast<std::int64_t>(i / (kPoints * kPoints));
          transformed[i] =
              bilinear(f.input[i / kPoints % kPoints], f.input[i % kPoints],
                       [&](std::size_t a, std::size_t b) {
                         return input_at(n, y0 + static_cast<std::int64_t>(a) * p.dilation_h,
                                         x0 + static_cast<std::int64_t>(b) * p.dilation_w, c);
                       });
        }
        for (std::int64_t out = 0; out < y.c; ++out) {
          double sum = 0;
          for (std::size_t i = 0; i < transformed.size(); ++i) {
            const std::size_t row = i / kPoints % kPoints;
            const std::size_t column = i % kPoints;
            sum += f.output[row][static_cast<std::size_t>(in_tile_y)] *
                   f.output[column][static_cast<std::size_t>(in_tile_x)] * transformed[i] *
                   weights[static_cast<std::size_t>(out * depth) * kPoints * kPoints + i];
          }
          bound.push_back((sum + 2) * path * test::kUnitRoundoff);  // 2: bias and residual
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
  bool residual = false;
};

void check(const Case& c, std::uint64_t seed) {
  SCOPED_TRACE(concat("x ", c.x, " out ", c.out, " padding ", c.params.padding_h, ",",
                      c.params.padding_w, " dilation ", c.params.dilation_h, ",",
                      c.params.dilation_w, " seed ", seed));
  Random random(seed);
  const Tensor x = random.tensor(c.x);
  const Shape shape{c.out, c.x.c, 3, 3};
  const auto weight = random.values(shape.count());
  const auto bias = random.values(c.out);
  const Conv2dWeights weights{.shape = shape, .weight = weight, .bias = bias};
  const PackedConv2d conv("test", c.params, weights);
  const Nhwc y_shape = conv.output_shape(c.x);
  std::optional<Tensor> residual;
  if (c.residual) residual = random.tensor(y_shape);
  const auto residual_view = residual ? std::optional<ConstView>(residual->view()) : std::nullopt;
  const auto expected = conv2d_reference(x.view(), c.params, weights, y_shape, residual_view);
  const auto bound = error_bound(x.view(), c.params, weights, y_shape);
  std::optional<std::uint64_t> bits;
  for (Isa isa : test::usable_isas()) {
    for (int threads : {1, 2, 5}) {
      SCOPED_TRACE(concat("isa ", isa_name(isa), " threads ", threads));
      Context ctx({.threads = threads, .isa = isa});
      test::Sliced sliced_x(c.x, &x);
      test::Sliced y(y_shape);
      conv2d(sliced_x.view(), conv, y.view(), ctx, residual_view);
      EXPECT_TRUE(test::all_within(y.view(), expected, bound));
      EXPECT_TRUE(y.margins_untouched());
      if (isa == Isa::sse42) continue;
      if (!bits) bits = test::checksum(y.view());
      EXPECT_EQ(test::checksum(y.view()), *bits) << "bits differ";
    }
  }
}

TEST(Winograd, AgreesWithTheReferenceAroundTheEdgesOfTiles) {
  std::uint64_t seed = 1;
  for (std::int64_t side : {1, 2, 3, 4, 5, 7, 8, 9}) {
    for (std::int64_t out : {16, 17, 33}) {
      check({.x = {1, side, 10 - side, 16},
             .out = out,
             .params = {.padding_h = 1, .padding_w = 1, .activation = Activation::relu()}},
            seed++);
    }
  }
}

TEST(Winograd, AgreesWithTheReferenceOnAnyGeometry) {
  Random random(7);
  for (std::uint64_t seed = 100; seed < 130; ++seed) {
    Case c{.x = {random.integer(1, 2), random.integer(1, 14), random.integer(1, 14),
                 random.integer(16, 35)},
           .out = random.integer(16, 40),
           .params = {}};
    c.params.dilation_h = random.integer(1, 4);
    c.params.dilation_w = random.integer(1, 4);
    c.params.padding_h = random.integer(0, 5);
    c.params.padding_w = random.integer(0, 5);
    c.residual = random.integer(0, 1) == 1;
    const bool fits = c.x.h + 2 * c.params.padding_h > 2 * c.params.dilation_h &&
                      c.x.w + 2 * c.params.padding_w > 2 * c.params.dilation_w;
    if (fits) check(c, seed);
  }
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
  for (std::int64_t channels : {64, 128, 256}) {
    Random random(static_cast<std::uint64_t>(channels));
    Tensor x = random.tensor({1, 20, 20, channels});
    for (float& value : x.values()) value = std::max(value, 0.0F);
    const Shape shape{32, channels, 3, 3};
    const auto weight = random.values(shape.count());
    const Conv2dWeights weights{.shape = shape, .weight = weight};
    const Conv2dParams params{.padding_h = 1, .padding_w = 1};
    const PackedConv2d conv("test", params, weights);
    const auto expected = conv2d_reference(x.view(), params, weights, conv.output_shape(x.shape()));
    Tensor y(conv.output_shape(x.shape()));
    Context fast({.threads = 1});
    conv2d(x.view(), conv, y.view(), fast);
    const double winograd = relative_error(y.view(), expected);
    Context precise({.threads = 1, .precise = true});
    conv2d(x.view(), conv, y.view(), precise);
    const double direct = relative_error(y.view(), expected);
    EXPECT_LT(winograd, 6 * direct);
    EXPECT_NE(winograd, direct) << "both ran the same algorithm";
    RecordProperty("ratio_" + std::to_string(channels), std::to_string(winograd / direct));
  }
}

}  // namespace
}  // namespace hewn
