#include "hewn/ops/linear/linear.h"
#include "hewn/runtime/dtype.h"
#include "hewn/runtime/error.h"

#include <vector>

#include "bench/support/bench.h"
#include "bench/support/shapes.h"
#include "tests/support/random.h"

namespace hewn::bench {

namespace {

enum class Format { float32, halves };

void run_layer(benchmark::State& state, Context& ctx, const LinearShape& s, Format format) {
  test::Random random(1);
  const auto weight = random.values(s.out * s.in);
  const auto bias = random.values(s.out);
  LinearWeights weights{.shape = {s.out, s.in}, .weight = weight, .bias = bias};
  std::vector<std::uint16_t> halves;
  if (format == Format::halves) {
    for (const float value : weight) halves.push_back(float_to_half(value));
    weights.weight = {};
    weights.halves = halves;
  }
  const PackedLinear layer(s.name, weights, s.activation);
  const Tensor x = random.tensor({1, 1, s.rows, s.in});
  Tensor y({1, 1, s.rows, s.out});
  const auto products = static_cast<double>(s.rows * s.in * s.out);
  const auto floats = static_cast<double>(s.rows * (s.in + s.out));
  const double weight_bytes = format == Format::halves ? 2 : 4;
  const double bytes = sizeof(float) * floats + weight_bytes * static_cast<double>(s.in * s.out);
  measure(state, ctx, {.flops = 2 * products, .bytes = bytes},
          [&] { linear(x.view(), layer, y.view(), ctx); });
}

/// As linear/<name>/<rows>/float32 and linear/<name>/<rows>/halves.
void add(const std::string& name, const LinearShape& shape) {
  for (const Format format : {Format::float32, Format::halves}) {
    add_benchmark(
        text_of("linear/", name, "/", shape.rows,
                format == Format::halves ? "/halves" : "/float32"),
        [=](benchmark::State& state, Context& ctx) { run_layer(state, ctx, shape, format); });
  }
}

}  // namespace

void register_benchmarks() {
  for (const LinearShape& shape : read_linear_shapes("clip")) add("clip/" + shape.name, shape);
  // One row of a wide layer is bound by memory.
  add("768x3072", {.name = "row", .rows = 1, .in = 768, .out = 3072, .activation = {}});
}

}  // namespace hewn::bench
