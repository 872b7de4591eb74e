#include "hewn/ops/normalize/normalize.h"

#include "bench/support/bench.h"
#include "tests/support/random.h"

namespace hewn::bench {

void register_benchmarks() {
  // SuperPoint's descriptors at 480×640.
  add_benchmark("l2_normalize/60x80x256", [](benchmark::State& state, Context& ctx) {
    const Tensor x = test::Random(1).tensor({1, 60, 80, 256});
    Tensor y(x.shape());
    const auto count = static_cast<double>(x.shape().count());
    measure(state, ctx, {.flops = 3 * count, .bytes = 2 * sizeof(float) * count},
            [&] { l2_normalize(x.view(), y.view(), ctx); });
  });
}

}  // namespace hewn::bench
