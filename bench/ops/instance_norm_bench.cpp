#include "hewn/ops/instance_norm/instance_norm.h"

#include "bench/support/bench.h"
#include "tests/support/random.h"

namespace hewn::bench {

void register_benchmarks() {
  // After the first convolutions of RAFT's feature encoder, for pictures of 440×1024.
  add_benchmark("instance_norm/220x512x64", [](benchmark::State& state, Context& ctx) {
    const Tensor x = test::Random(1).tensor({1, 220, 512, 64});
    Tensor y(x.shape());
    const InstanceNormParams params{.activation = Activation::relu()};
    const auto count = static_cast<double>(x.shape().count());
    measure(state, ctx, {.flops = 6 * count, .bytes = 3 * sizeof(float) * count},
            [&] { instance_norm(x.view(), params, y.view(), ctx); });
  });
}

}  // namespace hewn::bench
