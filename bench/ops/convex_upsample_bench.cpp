#include "hewn/ops/convex_upsample/convex_upsample.h"

#include "bench/support/bench.h"
#include "tests/support/random.h"

namespace hewn::bench {

void register_benchmarks() {
  // RAFT's last step, for pictures of 440×1024.
  add_benchmark("convex_upsample/55x128/8", [](benchmark::State& state, Context& ctx) {
    test::Random random(1);
    const Tensor flow = random.tensor({1, 55, 128, 2}, -8, 8);
    const Tensor logits = random.tensor({1, 55, 128, 9 * 64}, -4, 4);
    Tensor y({1, 440, 1024, 2});
    const auto floats = static_cast<double>(logits.shape().count() + y.shape().count());
    // For each of nine neighbours: a difference, an exponential, a sum and two products.
    const auto vectors = static_cast<double>(y.shape().pixels());
    measure(state, ctx, {.flops = 7 * 9 * vectors, .bytes = sizeof(float) * floats},
            [&] { convex_upsample(flow.view(), logits.view(), 8, y.view(), ctx); });
  });
}

}  // namespace hewn::bench
