#include "hewn/ops/conv2d/conv2d.h"
#include "hewn/runtime/error.h"

#include "bench/support/bench.h"
#include "bench/support/shapes.h"
#include "tests/support/random.h"

namespace hewn::bench {

namespace {

/// What each of Winograd's algorithms is for: one kernel and stride.
struct Winograd {
  Conv2dAlgorithm algorithm;
  std::int64_t kernel_h, kernel_w;
  std::int64_t stride = 1;
};
constexpr Winograd kWinograd[] = {
    {.algorithm = Conv2dAlgorithm::winograd_4x4_3x3, .kernel_h = 3, .kernel_w = 3},
    {.algorithm = Conv2dAlgorithm::winograd_2x2_3x3, .kernel_h = 3, .kernel_w = 3},
    {.algorithm = Conv2dAlgorithm::winograd_3x3s2, .kernel_h = 3, .kernel_w = 3, .stride = 2},
    {.algorithm = Conv2dAlgorithm::winograd_1x4_1x5, .kernel_h = 1, .kernel_w = 5},
    {.algorithm = Conv2dAlgorithm::winograd_4x1_5x1, .kernel_h = 5, .kernel_w = 1},
};

std::vector<Conv2dAlgorithm> algorithms(const ConvShape& s) {
  std::vector<Conv2dAlgorithm> applicable{Conv2dAlgorithm::direct};
  for (const Winograd& winograd : kWinograd) {
    if (s.kernel_h == winograd.kernel_h && s.kernel_w == winograd.kernel_w &&
        s.params.stride_h == winograd.stride && s.params.stride_w == winograd.stride) {
      applicable.push_back(winograd.algorithm);
    }
  }
  return applicable;
}

PackedConv2d random_conv(const ConvShape& s, test::Random& random) {
  const Shape shape{s.out, s.in, s.kernel_h, s.kernel_w};
  const auto weight = random.values(shape.count());
  const auto bias = random.values(s.out);
  return {s.name, s.params, {.shape = shape, .weight = weight, .bias = bias}};
}

void run_layer(benchmark::State& state, Context& ctx, const ConvShape& s) {
  test::Random random(1);
  const PackedConv2d conv = random_conv(s, random);
  const Tensor x = random.tensor({1, s.h, s.w, s.in});
  Tensor y(conv.output_shape(x.shape()));
  const auto weights = static_cast<double>(s.out * s.in * s.kernel_h * s.kernel_w);
  const auto activations = static_cast<double>(x.shape().count() + y.shape().count());
  const Work work{.flops = 2 * weights * static_cast<double>(y.shape().pixels()),
                  .bytes = sizeof(float) * (activations + weights)};
  measure(state, ctx, work, [&] { conv2d(x.view(), conv, y.view(), ctx); });
}

void add_layer(const std::string& network, ConvShape shape) {
  for (const Conv2dAlgorithm algorithm : algorithms(shape)) {
    shape.params.algorithm = algorithm;
    add_benchmark(
        text_of("conv2d/", network, "/", shape.name, "/", conv2d_algorithm_name(algorithm)),
        [shape](benchmark::State& state, Context& ctx) { run_layer(state, ctx, shape); });
  }
}

}  // namespace

void register_benchmarks() {
  for (const std::string& network : conv_networks()) {
    for (const ConvShape& shape : read_conv_shapes(network)) add_layer(network, shape);
  }
}

}  // namespace hewn::bench
