#include "hewn/ops/gru/conv_gru.h"

#include "hewn/ops/conv2d/conv2d_reference.h"

#include <cmath>
#include <optional>
#include <vector>

#include "tests/ops/every_way.h"
#include "tests/support/errors.h"
#include <gtest/gtest.h>

namespace hewn {
namespace {

/// A unit with random weights.
struct Unit {
  Shape shape;
  std::vector<float> z, r, q, bias_z, bias_r, bias_q;

  Unit(std::int64_t hidden, std::int64_t inputs, std::int64_t kernel_h, std::int64_t kernel_w,
       test::Random& random)
      : shape({hidden, hidden + inputs, kernel_h, kernel_w}),
        z(random.values(shape.count())),
        r(random.values(shape.count())),
        q(random.values(shape.count())),
        bias_z(random.values(hidden)),
        bias_r(random.values(hidden)),
        bias_q(random.values(hidden)) {}

  ConvGruWeights weights() const {
    return {.shape = shape, .z = {z, bias_z}, .r = {r, bias_r}, .q = {q, bias_q}};
  }
};

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

/// The step as the paper has it, over the channels [h, x], in double.
class Reference {
 public:
  Reference(const Unit& unit, ConstView hx) : unit_(unit) {
    const std::int64_t hidden = unit.shape[0];
    const auto z = convolve(hx, unit.z, unit.bias_z);
    const auto r = convolve(hx, unit.r, unit.bias_r);
    Tensor reset = Tensor::copy_of(hx);
    for (std::int64_t p = 0; p < hx.shape.pixels(); ++p) {
      for (std::int64_t c = 0; c < hidden; ++c) {
        float& h = reset.view().data[p * hx.shape.c + c];
        const double product =
            sigmoid(r[static_cast<std::size_t>(p * hidden + c)]) * static_cast<double>(h);
        h = static_cast<float>(product);  // one rounding, which the bound counts
      }
    }
    const auto q = convolve(reset.view(), unit.q, unit.bias_q);
    for (std::int64_t p = 0; p < hx.shape.pixels(); ++p) {
      for (std::int64_t c = 0; c < hidden; ++c) {
        const auto i = static_cast<std::size_t>(p * hidden + c);
        const auto h = static_cast<double>(hx.pixel(p)[c]);
        values.push_back((1 - sigmoid(z[i])) * h + sigmoid(z[i]) * std::tanh(q[i]));
      }
    }
  }

  std::vector<double> values;

 private:
  std::vector<double> convolve(ConstView x, const std::vector<float>& weight,
                               const std::vector<float>& bias) const {
    const Nhwc y{x.shape.n, x.shape.h, x.shape.w, unit_.shape[0]};
    return conv2d_reference(x, {.padding_h = unit_.shape[2] / 2, .padding_w = unit_.shape[3] / 2},
                            {.shape = unit_.shape, .weight = weight, .bias = bias}, y);
  }

  const Unit& unit_;
};

/// Weights, states and inputs are at most 1 in size, so a sum of n terms is off by n·(n + 3)·u at
/// most. The slope of a sigmoid is at most 1/4, that of tanh 1, and both are within 4 ulp. An error
/// of r goes into each of the n terms of q.
double error_bound(const Unit& unit) {
  const auto n = static_cast<double>(unit.shape.count() / unit.shape[0]) + 1;
  const double sum = n * (n + 3);
  const double gate = sum / 4 + 4;
  const double candidate = n * (gate + 2) + sum + 4;
  return test::kUnitRoundoff * (2 * gate + candidate + 8);
}

struct Case {
  Nhwc map;  // without channels
  std::int64_t hidden, inputs, constants;
  std::int64_t kernel_h, kernel_w;
};

void check(const Case& c, std::uint64_t seed) {
  SCOPED_TRACE(text_of("hidden ", c.hidden, " inputs ", c.inputs, " of them constant ", c.constants,
                       " kernel ", c.kernel_h, "×", c.kernel_w));
  test::Random random(seed);
  const Unit unit(c.hidden, c.inputs, c.kernel_h, c.kernel_w, random);
  const Tensor hx = random.tensor({c.map.n, c.map.h, c.map.w, c.hidden + c.inputs});
  const Reference reference(unit, hx.view());
  const PackedConvGru gru("test", unit.weights(), c.constants);
  const std::vector<double> bound(reference.values.size(), error_bound(unit));
  const Nhwc h_shape{c.map.n, c.map.h, c.map.w, c.hidden};
  test::check_every_way(
      hx, h_shape, reference.values, bound, test::InPlace::forbidden,
      [&](ConstView from, View to, Context& ctx) {
        test::Sliced state_slice({c.map.n, c.map.h, c.map.w, gru.state_channels()});
        const View state = state_slice.view();
        const std::int64_t varying = c.inputs - c.constants;
        copy(from.channels(0, c.hidden), state.channels(0, c.hidden));
        const View x = state.channels(c.hidden, c.hidden + varying);
        copy(from.channels(c.hidden + c.constants, c.hidden + c.inputs), x);
        const std::uint64_t inputs = test::checksum(x);
        Tensor constants({c.map.n, c.map.h, c.map.w, 3 * c.hidden});
        std::optional<ConstView> given;
        if (c.constants > 0) {
          conv_gru_constants(from.channels(c.hidden, c.hidden + c.constants), gru, constants.view(),
                             ctx);
          given = constants.view();
        }
        conv_gru(state, given, gru, ctx);
        copy(state.channels(0, c.hidden), to);
        EXPECT_EQ(test::checksum(x), inputs) << "the inputs were touched";
        EXPECT_TRUE(state_slice.margins_untouched());
      });
}

// Few channels, or kernels that no fast algorithm is for: the bound is that of direct sums.
TEST(ConvGru, AgreesWithTheReference) {
  std::uint64_t seed = 1;
  for (const std::int64_t constants : {0, 1, 4}) {
    check({{1, 5, 7, 0}, 3, 5, constants, 3, 3}, seed++);
    check({{2, 4, 6, 0}, 5, 6, constants, 1, 5}, seed++);
    check({{1, 6, 4, 0}, 4, 5, constants, 5, 1}, seed++);
    check({{1, 3, 5, 0}, 17, 19, constants, 1, 3}, seed++);
    check({{1, 3, 5, 0}, 16, 32, constants, 1, 1}, seed++);
  }
  check({{0, 3, 3, 0}, 2, 2, 1, 3, 3}, seed++);
}

// With many channels Winograd runs; hoisting the constants must then still be a matter of rounding.
TEST(ConvGru, ConstantsMayBeComputedBeforehand) {
  test::Random random(3);
  const Unit unit(32, 48, 1, 5, random);
  const Tensor hx = random.tensor({1, 9, 10, 80}, -0.1F, 0.1F);
  Context ctx({.threads = 2});
  const auto run = [&](std::int64_t constants) {
    const PackedConvGru gru("test", unit.weights(), constants);
    Tensor state({1, 9, 10, gru.state_channels()});
    copy(hx.view().channels(0, 32), state.view().channels(0, 32));
    copy(hx.view().channels(32 + constants, 80), state.view().channels(32, 80 - constants));
    Tensor values({1, 9, 10, 96});
    std::optional<ConstView> given;
    if (constants > 0) {
      conv_gru_constants(hx.view().channels(32, 32 + constants), gru, values.view(), ctx);
      given = values.view();
    }
    conv_gru(state.view(), given, gru, ctx);
    return Tensor::copy_of(state.view().channels(0, 32));
  };
  const Tensor whole = run(0);
  const Tensor hoisted = run(16);
  // 400 terms of at most 0.1, by an algorithm with up to six times the rounding error of direct
  // sums.
  const double bound = 6 * 400 * 400 * 0.1 * test::kUnitRoundoff;
  for (std::size_t i = 0; i < whole.values().size(); ++i) {
    EXPECT_NEAR(whole.values()[i], hoisted.values()[i], bound);
  }
}

TEST(ConvGru, NamesWhatIsWrong) {
  test::Random random(3);
  const Unit unit(2, 3, 3, 3, random);
  Context ctx({.threads = 1});
  const auto refusal = [&](const ConvGruWeights& weights, std::int64_t constants) {
    return test::error_of([&] { PackedConvGru("gru", weights, constants); });
  };
  EXPECT_EQ(refusal(unit.weights(), 3), "conv_gru gru: constants: expected 0 to 2, got 3");
  ConvGruWeights weights = unit.weights();
  weights.r.bias = weights.r.bias.first(1);
  EXPECT_EQ(refusal(weights, 0), "conv_gru gru: bias of r: expected 2 values, got 1");
  weights = unit.weights();
  weights.q.weight = weights.q.weight.first(5);
  EXPECT_EQ(refusal(weights, 0), "conv_gru gru: weight of q: expected 90 values, got 5");
  weights.shape = {2, 5, 2, 3};
  EXPECT_EQ(refusal(weights, 0), "conv_gru gru: expected a kernel of odd sides, got 2 × 3");
  weights.shape = {2, 2, 3, 3};
  EXPECT_EQ(refusal(weights, 0),
            "conv_gru gru: weight: expected rank 4 (hidden, hidden + inputs, h, w) and no empty "
            "side, got shape 2×2×3×3");

  const PackedConvGru gru("gru", unit.weights(), 1);
  Tensor state({1, 4, 4, 6});
  Tensor wide({1, 4, 4, 7});
  EXPECT_EQ(test::error_of([&] { conv_gru(wide.view(), {}, gru, ctx); }),
            text_of("conv_gru gru: expected a state of 6 channels, got ", wide.shape()));
  EXPECT_EQ(
      test::error_of([&] { conv_gru(state.view(), {}, gru, ctx); }),
      text_of("conv_gru gru: expected constants of ", state.shape(), ", got ", Nhwc{1, 4, 4, 0}));
  const PackedConvGru plain("gru", unit.weights());
  EXPECT_EQ(test::error_of([&] { conv_gru_constants(wide.view(), plain, state.view(), ctx); }),
            "conv_gru gru: has no constant inputs");
}

}  // namespace
}  // namespace hewn
