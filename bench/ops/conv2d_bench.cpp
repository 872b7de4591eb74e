#include "hewn/ops/conv2d/conv2d.h"

#include "bench/support/bench.h"
#include "bench/support/shapes.h"
#include "tests/support/random.h"

namespace hewn::bench {

namespace {

PackedConv2d random_conv(const ConvShape& s, test::Random& random) {
  const Shape shape{s.out, s.in, s.kernel, s.kernel};
  const auto weight = random.values(shape.count());
  const auto bias = random.values(s.out);
  return {s.name, s.params, {.shape = shape, .weight = weight, .bias = bias}};
}

void run_layer(benchmark::State& state, Context& ctx, const ConvShape& s) {
  test::Random random(1);
  const PackedConv2d conv = random_conv(s, random);
  const Tensor x = random.tensor({1, s.h, s.w, s.in});
  Tensor y(conv.output_shape(x.shape()));
  const auto weights = static_cast<double>(s.out * s.in * s.kernel * s.kernel);
  const auto activations = static_cast<double>(x.shape().count() + y.shape().count());
  const Work work{.flops = 2 * weights * static_cast<double>(y.shape().pixels()),
                  .bytes = sizeof(float) * (activations + weights)};
  measure(state, ctx, work, [&] { conv2d(x.view(), conv, y.view(), ctx); });
}

}  // namespace

void register_benchmarks() {
  for (const ConvShape& shape : read_conv_shapes("superpoint")) {
    const auto body = [shape](benchmark::State& state, Context& ctx) {
      run_layer(state, ctx, shape);
    };
    add_benchmark("conv2d/" + shape.name, body);
    add_benchmark("conv2d_direct/" + shape.name, body, /*precise=*/true);
  }
}

}  // namespace hewn::bench
