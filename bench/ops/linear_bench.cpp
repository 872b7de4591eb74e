#include "hewn/ops/linear/linear.h"

#include "bench/support/bench.h"
#include "bench/support/shapes.h"
#include "tests/support/random.h"

namespace hewn::bench {

namespace {

void run_layer(benchmark::State& state, Context& ctx, const LinearShape& s) {
  test::Random random(1);
  const auto weight = random.values(s.out * s.in);
  const auto bias = random.values(s.out);
  const PackedLinear layer(s.name, {.shape = {s.out, s.in}, .weight = weight, .bias = bias},
                           s.activation);
  const Tensor x = random.tensor({1, 1, s.rows, s.in});
  Tensor y({1, 1, s.rows, s.out});
  const auto products = static_cast<double>(s.rows * s.in * s.out);
  const auto floats = static_cast<double>(s.rows * (s.in + s.out) + s.in * s.out);
  measure(state, ctx, {.flops = 2 * products, .bytes = sizeof(float) * floats},
          [&] { linear(x.view(), layer, y.view(), ctx); });
}

void add(const std::string& name, const LinearShape& shape) {
  add_benchmark("linear/" + name,
                [shape](benchmark::State& state, Context& ctx) { run_layer(state, ctx, shape); });
}

}  // namespace

void register_benchmarks() {
  for (const LinearShape& shape : read_linear_shapes("clip")) add("clip/" + shape.name, shape);
  // One row of a wide layer is bound by memory.
  add("1x768x3072", {.name = "row", .rows = 1, .in = 768, .out = 3072, .activation = {}});
}

}  // namespace hewn::bench
