#include "hewn/ops/layer_norm/layer_norm.h"

#include "hewn/ops/layer_norm/layer_norm_reference.h"

#include <cmath>
#include <vector>

#include "tests/ops/every_way.h"
#include "tests/support/errors.h"
#include <gtest/gtest.h>

namespace hewn {
namespace {

void check(const Tensor& x, std::uint64_t seed) {
  SCOPED_TRACE(text_of("x ", x.shape()));
  test::Random random(seed);
  const auto weight = random.values(x.shape().c, 0.5F, 1.5F);
  const auto bias = random.values(x.shape().c);
  const LayerNormWeights weights{.weight = weight, .bias = bias};
  const auto expected = layer_norm_reference(x.view(), weights);
  std::vector<double> bound;
  bound.reserve(expected.size());
  const auto channels = static_cast<double>(x.shape().c);
  for (std::int64_t p = 0; p < x.shape().pixels(); ++p) {
    const float* row = x.view().data + p * x.shape().c;
    double largest = 0;
    double mean = 0;
    for (std::int64_t c = 0; c < x.shape().c; ++c) {
      largest = std::max(largest, std::abs(static_cast<double>(row[c])));
      mean += static_cast<double>(row[c]) / channels;
    }
    auto variance = static_cast<double>(weights.eps);
    double farthest = 0;
    for (std::int64_t c = 0; c < x.shape().c; ++c) {
      const double deviation = static_cast<double>(row[c]) - mean;
      variance += deviation * deviation / channels;
      farthest = std::max(farthest, std::abs(deviation));
    }
    // The first mean is a sum of n terms in 16 chains and a tree of 4 levels, divided: off by
    // (n/16 + 6)·u of the largest. So are the sums of the deviations from it and of their squares.
    const double chain = (channels / 16 + 6) * test::kUnitRoundoff;
    const double first_error = chain * largest;
    const double mean_error =
        (chain + test::kUnitRoundoff) * (farthest + first_error) / std::sqrt(variance);
    // The scale is off by half of what its square is, and by 5 roundings; three more end.
    const double scale_error =
        chain / 2 * (1 + 2 * first_error * first_error / variance) + 8 * test::kUnitRoundoff;
    for (std::int64_t c = 0; c < x.shape().c; ++c) {
      const std::size_t at = bound.size();
      const auto channel = static_cast<std::size_t>(c);
      const auto shift = static_cast<double>(bias[channel]);
      const double normalized = std::abs(expected[at] - shift);
      bound.push_back(mean_error * static_cast<double>(weight[channel]) +
                      scale_error * (normalized + std::abs(shift)));
    }
  }
  test::check_every_way(
      x, x.shape(), expected, bound, test::InPlace::allowed,
      [&](ConstView from, View to, Context& ctx) { layer_norm(from, weights, to, ctx); });
}

TEST(LayerNorm, AgreesWithTheReference) {
  test::Random random(1);
  std::uint64_t seed = 1;
  for (std::int64_t channels : test::kEdgeSizes) {
    check(random.tensor({2, 1, 3, channels}), seed++);
    check(random.tensor({1, 3, 1, channels}, 10, 12), seed++);  // a mean far from 0
  }
  check(random.tensor({0, 1, 4, 64}), seed++);
  check(random.tensor({1, 1, 197, 768}), seed++);
  check(random.tensor({1, 1, 9, 1000}, 30, 30.01F), seed++);  // all but equal
}

TEST(LayerNorm, KeepsRowsOfEqualValuesAtTheBias) {
  Tensor x({1, 1, 2, 33});
  fill(x.view(), 3);
  const std::vector<float> weight(33, 2);
  const std::vector<float> bias(33, 0.25F);
  Context ctx({.threads = 1});
  layer_norm(x.view(), {.weight = weight, .bias = bias}, x.view(), ctx);
  for (const float y : x.values()) EXPECT_EQ(y, 0.25F);
}

TEST(LayerNorm, NamesWhatIsWrong) {
  Context ctx({.threads = 1});
  const Tensor x({1, 2, 2, 3});
  Tensor y({1, 2, 2, 3});
  Tensor wide({1, 2, 2, 4});
  const std::vector<float> values(4);
  const std::span<const float> all(values);
  const auto weights = [&](std::size_t weight, std::size_t bias, float eps) {
    return LayerNormWeights{.weight = all.first(weight), .bias = all.first(bias), .eps = eps};
  };
  EXPECT_EQ(test::error_of([&] { layer_norm(x.view(), weights(3, 3, 0), wide.view(), ctx); }),
            text_of("layer_norm: expected an output of ", x.shape(), ", got ", wide.shape()));
  EXPECT_EQ(test::error_of([&] { layer_norm(x.view(), weights(3, 4, 0), y.view(), ctx); }),
            "layer_norm: expected weight and bias of 3 channels, got 3 and 4");
  EXPECT_EQ(test::error_of([&] { layer_norm(x.view(), weights(3, 3, -1), y.view(), ctx); }),
            "layer_norm: eps: expected at least 0, got -1");
}

}  // namespace
}  // namespace hewn
