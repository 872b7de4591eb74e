#include "hewn/ops/activation/activation.h"

#include "bench/support/bench.h"
#include "tests/support/random.h"

namespace hewn::bench {

namespace {

using Kind = Activation::Kind;

void add(const std::string& name, Kind kind) {
  // A map that stays in L2, so that it is the arithmetic that is measured.
  add_benchmark("activate/" + name + "/60x80x64", [kind](benchmark::State& state, Context& ctx) {
    const Tensor x = test::Random(1).tensor({1, 60, 80, 64}, -4, 4);
    Tensor y(x.shape());
    const auto count = static_cast<double>(x.shape().count());
    measure(state, ctx, {.flops = 0, .bytes = 2 * sizeof(float) * count},
            [&] { activate(x.view(), {.kind = kind}, y.view(), ctx); });
  });
}

}  // namespace

void register_benchmarks() {
  add("relu", Kind::relu);
  add("leaky_relu", Kind::leaky_relu);
  add("sigmoid", Kind::sigmoid);
  add("tanh", Kind::tanh);
  add("gelu", Kind::gelu);
  add("quick_gelu", Kind::quick_gelu);
}

}  // namespace hewn::bench
