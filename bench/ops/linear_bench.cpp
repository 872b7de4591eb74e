#include "hewn/ops/linear/linear.h"
#include "hewn/runtime/error.h"

#include "bench/support/bench.h"
#include "tests/support/random.h"

namespace hewn::bench {

namespace {

void add(std::int64_t rows, std::int64_t in, std::int64_t out, const Activation& activation) {
  add_benchmark(concat("linear/", rows, "x", in, "x", out),
                [=](benchmark::State& state, Context& ctx) {
                  test::Random random(1);
                  const auto weight = random.values(out * in);
                  const auto bias = random.values(out);
                  const PackedLinear layer(
                      "linear", {.shape = {out, in}, .weight = weight, .bias = bias}, activation);
                  const Tensor x = random.tensor({1, 1, rows, in});
                  Tensor y({1, 1, rows, out});
                  const auto products = static_cast<double>(rows * in * out);
                  const auto floats = static_cast<double>(rows * (in + out) + in * out);
                  measure(state, ctx, {.flops = 2 * products, .bytes = sizeof(float) * floats},
                          [&] { linear(x.view(), layer, y.view(), ctx); });
                });
}

}  // namespace

void register_benchmarks() {
  // The two layers of a vision transformer's block, and one row alone, which is bound by memory.
  add(197, 768, 3072, {.kind = Activation::Kind::quick_gelu});
  add(197, 3072, 768, {});
  add(1, 768, 3072, {});
}

}  // namespace hewn::bench
