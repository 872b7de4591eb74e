#include "hewn/ops/concat/concat.h"

#include <array>

#include "bench/support/bench.h"
#include "tests/support/random.h"

namespace hewn::bench {

void register_benchmarks() {
  add_benchmark("concat/120x160/128+64", [](benchmark::State& state, Context& ctx) {
    test::Random random(1);
    const Tensor a = random.tensor({1, 120, 160, 128});
    const Tensor b = random.tensor({1, 120, 160, 64});
    const std::array<ConstView, 2> parts{a.view(), b.view()};
    Tensor y({1, 120, 160, 192});
    const auto floats = static_cast<double>(y.shape().count());
    measure(state, ctx, {.flops = 0, .bytes = 2 * sizeof(float) * floats},
            [&] { concat_channels(parts, y.view(), ctx); });
  });
}

}  // namespace hewn::bench
