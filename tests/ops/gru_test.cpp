#include "hewn/ops/gru/gru.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "tests/ops/every_way.h"
#include "tests/support/errors.h"
#include <gtest/gtest.h>

namespace hewn {
namespace {

/// A layer with random weights.
struct Layer {
  std::int64_t hidden, inputs;
  std::vector<float> weight_ih, weight_hh, bias_ih, bias_hh;

  Layer(std::int64_t hidden, std::int64_t inputs, bool bias, test::Random& random)
      : hidden(hidden),
        inputs(inputs),
        weight_ih(random.values(3 * hidden * inputs)),
        weight_hh(random.values(3 * hidden * hidden)),
        bias_ih(bias ? random.values(3 * hidden) : std::vector<float>{}),
        bias_hh(bias ? random.values(3 * hidden) : std::vector<float>{}) {}

  GruWeights weights() const {
    return {.shape_ih = {3 * hidden, inputs},
            .weight_ih = weight_ih,
            .weight_hh = weight_hh,
            .bias_ih = bias_ih,
            .bias_hh = bias_hh};
  }

  /// torch.nn.GRUCell in double, on one row.
  std::vector<double> step(const float* x, const std::vector<double>& h) const {
    const auto product = [&](const std::vector<float>& weight, const std::vector<float>& bias,
                             std::int64_t row, std::int64_t columns, auto value) {
      double sum = bias.empty() ? 0 : static_cast<double>(bias[static_cast<std::size_t>(row)]);
      for (std::int64_t k = 0; k < columns; ++k) {
        sum += static_cast<double>(weight[static_cast<std::size_t>(row * columns + k)]) * value(k);
      }
      return sum;
    };
    const auto input = [&](std::int64_t row) {
      return product(weight_ih, bias_ih, row, inputs,
                     [&](std::int64_t k) { return static_cast<double>(x[k]); });
    };
    const auto state = [&](std::int64_t row) {
      return product(weight_hh, bias_hh, row, hidden,
                     [&](std::int64_t k) { return h[static_cast<std::size_t>(k)]; });
    };
    const auto sigmoid = [](double v) { return 1 / (1 + std::exp(-v)); };
    std::vector<double> y;
    for (std::int64_t i = 0; i < hidden; ++i) {
      const double r = sigmoid(input(i) + state(i));
      const double z = sigmoid(input(hidden + i) + state(hidden + i));
      const double n = std::tanh(input(2 * hidden + i) + r * state(2 * hidden + i));
      y.push_back((1 - z) * n + z * h[static_cast<std::size_t>(i)]);
    }
    return y;
  }

  /// Everything is at most 1 in size: a sum of n terms is off by n·(n + 3)·u at most, two of them
  /// go into each gate, a sigmoid's slope is at most 1/4, and r multiplies a sum of up to n.
  double error_of_step() const {
    const auto n = static_cast<double>(std::max(hidden, inputs) + 1);
    const double sum = n * (n + 3);
    const double gate = (2 * sum + 2) / 4 + 4;
    return test::kUnitRoundoff * (2 * gate + n * gate + 2 * sum + 4 + 8);
  }
  /// How much an error of the state grows in a step: through z and h itself, and through n.
  double growth_of_step() const {
    const auto n = static_cast<double>(hidden);
    return 1 + n / 2 + n * (1 + n / 4);
  }
};

TEST(Gru, ACellAgreesWithTheReference) {
  std::uint64_t seed = 1;
  for (const auto& [hidden, inputs] :
       {std::pair{1, 1}, {5, 3}, {15, 16}, {16, 17}, {17, 1}, {33, 20}, {4, 0}}) {
    for (const std::int64_t batch : {0, 1, 5, 20}) {
      SCOPED_TRACE(text_of("hidden ", hidden, " inputs ", inputs, " batch ", batch));
      test::Random random(seed++);
      const Layer layer(hidden, inputs, batch != 5, random);
      const PackedGru gru("test", layer.weights());
      const Tensor x = random.tensor({1, 1, batch, inputs});
      const Tensor h = random.tensor({1, 1, batch, hidden});
      std::vector<double> expected;
      for (std::int64_t row = 0; row < batch; ++row) {
        const float* state = h.view().pixel(0, 0, row);
        const auto y = layer.step(x.view().pixel(0, 0, row), {state, state + hidden});
        expected.insert(expected.end(), y.begin(), y.end());
      }
      const std::vector<double> bound(expected.size(), layer.error_of_step());
      test::check_every_way(
          h, h.shape(), expected, bound, test::InPlace::allowed,
          [&](ConstView from, View to, Context& ctx) { gru_cell(x.view(), from, gru, to, ctx); });
    }
  }
}

TEST(Gru, ALayerStepsThroughTime) {
  test::Random random(7);
  const std::int64_t sequences = 3;
  const std::int64_t steps = 5;
  const Layer layer(6, 4, true, random);
  const PackedGru gru_weights("test", layer.weights());
  const Tensor x = random.tensor({sequences, 1, steps, 4});
  const Tensor h = random.tensor({sequences, 1, 1, 6});
  std::vector<double> expected;
  std::vector<double> bound;
  for (std::int64_t n = 0; n < sequences; ++n) {
    const float* first = h.view().pixel(n, 0, 0);
    std::vector<double> state(first, first + 6);
    double error = 0;
    for (std::int64_t t = 0; t < steps; ++t) {
      state = layer.step(x.view().pixel(n, 0, t), state);
      error = error * layer.growth_of_step() + layer.error_of_step();
      expected.insert(expected.end(), state.begin(), state.end());
      bound.insert(bound.end(), 6, error);
    }
  }
  test::check_every_way(
      x, {sequences, 1, steps, 6}, expected, bound, test::InPlace::forbidden,
      [&](ConstView from, View to, Context& ctx) { gru(from, h.view(), gru_weights, to, ctx); });
}

TEST(Gru, NamesWhatIsWrong) {
  test::Random random(3);
  const Layer layer(2, 3, true, random);
  Context ctx({.threads = 1});
  GruWeights weights = layer.weights();
  weights.shape_ih = {5, 3};
  EXPECT_EQ(test::error_of([&] { PackedGru("gru", weights); }),
            "linear gru.input: weight: expected 15 values, got 18");
  weights = layer.weights();
  weights.weight_hh = weights.weight_hh.first(5);
  EXPECT_EQ(test::error_of([&] { PackedGru("gru", weights); }),
            "linear gru.state: weight: expected 12 values, got 5");
  const PackedGru packed("gru", layer.weights());
  const Tensor x({1, 1, 4, 3});
  const Tensor h({1, 1, 4, 2});
  const Tensor wrong({1, 1, 4, 1});
  Tensor y({1, 1, 4, 2});
  EXPECT_EQ(test::error_of([&] { gru_cell(wrong.view(), h.view(), packed, y.view(), ctx); }),
            text_of("gru: expected an input of ", x.shape(), ", got ", wrong.shape()));
  EXPECT_EQ(test::error_of([&] { gru_cell(x.view(), wrong.view(), packed, y.view(), ctx); }),
            text_of("gru: expected a state of ", h.shape(), ", got ", wrong.shape()));
  Tensor small({1, 1, 3, 2});
  EXPECT_EQ(test::error_of([&] { gru_cell(x.view(), h.view(), packed, small.view(), ctx); }),
            text_of("gru: expected an output of ", h.shape(), ", got ", small.shape()));
}

}  // namespace
}  // namespace hewn
